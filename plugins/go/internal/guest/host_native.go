//go:build !wasip1

package guest

import (
	"fmt"
	"os"
)

func log(level Level, line string) { fmt.Fprintf(os.Stderr, "%s: %s\n", levelNames[level], line) }

func count(name string, delta uint64) { fmt.Fprintf(os.Stderr, "count: %s +%d\n", name, delta) }

var levelNames = [...]string{"trace", "debug", "info", "warn", "error"}
