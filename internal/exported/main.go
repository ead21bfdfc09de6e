// Exported prints what packages export, a line for each name, in an order that does
// not change: a text that a review can read, and that diff can compare.
//
//	go run ./internal/exported ./udp ./multicast
package main

import (
	"cmp"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "exported:", err)
		os.Exit(1)
	}
}

func run(patterns []string, out io.Writer) error {
	paths, load, err := packages(patterns)
	if err != nil {
		return err
	}
	for _, path := range paths {
		p, err := load.Import(path)
		if err != nil {
			return err
		}
		for _, line := range lines(p) {
			if _, err := fmt.Fprintln(out, line); err != nil {
				return err
			}
		}
	}
	return nil
}

// packages returns the import paths of the packages that patterns name, and an
// importer that reads what the compiler has exported of them.
func packages(patterns []string) (paths []string, load types.Importer, err error) {
	args := []string{"list", "-deps", "-export", "-f", "{{.ImportPath}} {{.Export}} {{.DepOnly}}"}
	list := exec.Command("go", append(args, patterns...)...)
	var said strings.Builder
	list.Stderr = &said
	out, err := list.Output()
	if err != nil {
		return nil, nil, fmt.Errorf("go list: %w: %s", err, &said)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) != 3 {
			continue // package unsafe has no file
		}
		files[f[0]] = f[1]
		if f[2] == "false" {
			paths = append(paths, f[0])
		}
	}
	slices.Sort(paths)
	open := func(path string) (io.ReadCloser, error) { return os.Open(files[path]) }
	return paths, importer.ForCompiler(token.NewFileSet(), "gc", open), nil
}

// lines returns a line for each exported name of a package: its functions,
// variables, constants and types, and the fields and methods of its types.
func lines(p *types.Package) []string {
	qualify := func(other *types.Package) string {
		if other == p {
			return ""
		}
		return other.Name()
	}
	var all []string
	add := func(format string, args ...any) {
		all = append(all, p.Name()+": "+fmt.Sprintf(format, args...))
	}
	for _, name := range p.Scope().Names() {
		if !token.IsExported(name) {
			continue
		}
		switch o := p.Scope().Lookup(name).(type) {
		case *types.Const:
			add("%s = %s", types.ObjectString(o, qualify), o.Val())
		case *types.TypeName:
			add("%s", typeLine(o, qualify))
			members(o, qualify, add)
		default:
			add("%s", types.ObjectString(o, qualify))
		}
	}
	slices.SortStableFunc(all, cmp.Compare[string])
	return all
}

// typeLine describes a type without its fields, which have lines of their own.
func typeLine(o *types.TypeName, qualify types.Qualifier) string {
	if _, is := o.Type().Underlying().(*types.Struct); is && !o.IsAlias() {
		return "type " + o.Name() + " struct"
	}
	return types.ObjectString(o, qualify)
}

// members adds the exported fields and methods of a type.
func members(o *types.TypeName, qualify types.Qualifier, add func(string, ...any)) {
	if s, is := o.Type().Underlying().(*types.Struct); is {
		for f := range s.Fields() {
			if f.Exported() {
				add("type %s struct, %s %s", o.Name(), f.Name(), types.TypeString(f.Type(), qualify))
			}
		}
	}
	if types.IsInterface(o.Type()) {
		return // its methods are in its own line
	}
	for m := range types.NewMethodSet(types.NewPointer(o.Type())).Methods() {
		if f, is := m.Obj().(*types.Func); is && f.Exported() {
			add("method (%s) %s%s", receiver(f, o, qualify), f.Name(),
				strings.TrimPrefix(types.TypeString(f.Type(), qualify), "func"))
		}
	}
}

// receiver returns the type of a method's receiver, as it is declared.
func receiver(f *types.Func, o *types.TypeName, qualify types.Qualifier) string {
	if r := f.Signature().Recv(); r != nil {
		return types.TypeString(r.Type(), qualify)
	}
	return o.Name()
}
