// The page that a request is about, without what is asked of it, and how large it was. What has no size is left out.
package main

import (
	"strings"

	"tidemill/transform"
)

func init() { transform.FlatMap(pages) }

func main() {}

type Request struct {
	Section string
	Path    string
	Bytes   *int64
}

type Page struct {
	Section string
	Page    string
	Bytes   int64
}

func pages(request Request, emit func(Page)) error {
	if request.Bytes != nil {
		page, _, _ := strings.Cut(request.Path, "?")
		emit(Page{request.Section, page, *request.Bytes})
	}
	return nil
}
