package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// gaps are the exported names of a file that go doc would have nothing to say of.
func gaps(file *ast.File) (found []string) {
	note := func(name *ast.Ident, doc *ast.CommentGroup, isNamed bool) {
		if !name.IsExported() {
			return
		}
		if text := doc.Text(); text == "" || isNamed && !strings.HasPrefix(text, name.Name+" ") {
			found = append(found, file.Name.Name+"."+name.Name)
		}
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			note(decl.Name, decl.Doc, true)
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					note(spec.Name, decl.Doc, true)
					if fields, isStruct := spec.Type.(*ast.StructType); isStruct && spec.Name.IsExported() {
						for _, field := range fields.Fields.List {
							for _, name := range field.Names {
								note(name, field.Doc, false)
							}
						}
					}
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						note(name, decl.Doc, false)
					}
				}
			}
		}
	}
	return found
}

func TestEveryExportedNameIsDocumented(t *testing.T) {
	packages := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains([]string{"internal", "template", "test"}, entry.Name()) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		name := file.Name.Name
		packages[name] = packages[name] || strings.HasPrefix(file.Doc.Text(), "Package "+name+" ")
		for _, gap := range gaps(file) {
			t.Errorf("%s has no comment that begins with its name", gap)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, isDocumented := range packages {
		if !isDocumented {
			t.Errorf("package %s has no comment", name)
		}
	}
	if len(packages) != 8 {
		t.Errorf("%d packages were looked at: %v", len(packages), packages)
	}
}

func TestWhatHasNoCommentIsFound(t *testing.T) {
	source := `package p
// Good is documented.
type Good struct {
	// Told is as well.
	Told int
	Bare int
}
// It does something.
func Act() {}
func (g Good) Silent() {}
const Most = 3
func hidden() {}
`
	file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	if found := strings.Join(gaps(file), " "); found != "p.Bare p.Act p.Silent p.Most" {
		t.Error(found)
	}
}
