package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A machine is where and with what the figures were made. It has no names of hosts.
type machine struct {
	date, cpu, kernel string
	cpus              int
	load              string // of the minute before
	versions          []string
}

func describeMachine(b *bench) machine {
	m := machine{date: time.Now().UTC().Format(time.DateOnly), cpu: cpuModel(), cpus: len(b.cpus), load: b.load}
	var uts unix.Utsname
	if unix.Uname(&uts) == nil {
		release, _, _ := strings.Cut(unix.ByteSliceToString(uts.Release[:]), "-") // without the name of the build
		m.kernel = "Linux " + release
	}
	m.versions = append(m.versions, "Go "+strings.TrimPrefix(runtime.Version(), "go"))
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			switch dep.Path {
			case "golang.org/x/net", "github.com/panjf2000/gnet/v2":
				m.versions = append(m.versions, dep.Path+" "+dep.Version)
			}
		}
	}
	if b.whyNoC == nil {
		m.versions = append(m.versions, versionOf("gcc", "-dumpfullversion"))
	}
	if b.whyNoJS == nil {
		m.versions = append(m.versions, versionOf("node", "--version"))
	}
	return m
}

func (m machine) String() string {
	return fmt.Sprintf("%s, %d× %s, %s, %s; load average %s before.",
		m.date, m.cpus, m.cpu, m.kernel, strings.Join(m.versions, ", "), m.load)
}

// short is what the picture says of it.
func (m machine) short() string {
	return fmt.Sprintf("%d× %s, %s, %s; all cores, with other work on each; default options.", m.cpus, m.cpu, m.kernel, strings.Join(m.versions[:min(1, len(m.versions))], ""))
}

// loadAverage is what else the machine did in the last minute.
func loadAverage() string {
	data, _ := os.ReadFile("/proc/loadavg")
	load, _, _ := strings.Cut(string(data), " ")
	return load
}

func cpuModel() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(data)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func versionOf(program, flag string) string {
	out, err := exec.Command(program, flag).Output()
	if err != nil {
		return program
	}
	return program + " " + strings.TrimPrefix(strings.TrimSpace(string(out)), "v")
}
