// Command dockerfile says what BuildKit's own parser makes of a Dockerfile: what its linter finds, the stages, what the image
// will say of itself, and which files of a folder that folder's .dockerignore lets into the build.
//
//	dockerfile DOCKERFILE FOLDER     writes one JSON object
package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

type warning struct {
	Rule string `json:"rule"`
	Text string `json:"text"`
	Line int    `json:"line"`
}

type stage struct {
	Name string `json:"name"`
	Base string `json:"base"`
	// What is copied: from which stage or context, empty for that of the build itself, and what.
	Copied []copied `json:"copied"`
}

type copied struct {
	From    string   `json:"from"`
	Sources []string `json:"sources"`
}

// What the last stage itself says; a base may say more.
type image struct {
	User       string            `json:"user"`
	WorkDir    string            `json:"workDir"`
	Entrypoint []string          `json:"entrypoint"`
	Command    []string          `json:"command"`
	Health     []string          `json:"health"`
	Ports      []string          `json:"ports"`
	Env        map[string]string `json:"env"`
}

type answer struct {
	Warnings  []warning         `json:"warnings"`
	Arguments map[string]string `json:"arguments"`
	Stages    []stage           `json:"stages"`
	Image     image             `json:"image"`
	Sent      []string          `json:"sent"`
}

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: dockerfile DOCKERFILE FOLDER"))
	}
	result := answer{Warnings: []warning{}, Arguments: map[string]string{}}
	fail(result.parse(os.Args[1]))
	sent, err := context(os.Args[2])
	fail(err)
	result.Sent = sent
	fail(json.NewEncoder(os.Stdout).Encode(result))
}

func (a *answer) parse(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	tree, err := parser.Parse(file)
	if err != nil {
		return err
	}
	for _, found := range tree.Warnings {
		a.Warnings = append(a.Warnings, warning{Rule: "Parser", Text: found.Short, Line: found.Location.Start.Line})
	}
	lint := linter.New(&linter.Config{Warn: func(rule, _, _, text string, at []parser.Range) {
		line := 0
		if len(at) > 0 {
			line = at[0].Start.Line
		}
		a.Warnings = append(a.Warnings, warning{Rule: rule, Text: text, Line: line})
	}})
	stages, arguments, err := instructions.Parse(tree.AST, lint)
	if err != nil {
		return err
	}
	for _, argument := range arguments {
		for _, pair := range argument.Args {
			a.Arguments[pair.Key] = pair.ValueString()
		}
	}
	for _, one := range stages {
		a.Image = image{Env: map[string]string{}}
		read := stage{Name: one.Name, Base: one.BaseName, Copied: []copied{}}
		for _, command := range one.Commands {
			switch said := command.(type) {
			case *instructions.CopyCommand:
				read.Copied = append(read.Copied, copied{From: said.From, Sources: said.SourcePaths})
			case *instructions.AddCommand:
				read.Copied = append(read.Copied, copied{Sources: said.SourcePaths})
			}
			a.Image.read(command)
		}
		a.Stages = append(a.Stages, read)
	}
	return nil
}

func (i *image) read(command instructions.Command) {
	switch said := command.(type) {
	case *instructions.UserCommand:
		i.User = said.User
	case *instructions.WorkdirCommand:
		i.WorkDir = said.Path
	case *instructions.EntrypointCommand:
		i.Entrypoint = said.CmdLine
	case *instructions.CmdCommand:
		i.Command = said.CmdLine
	case *instructions.HealthCheckCommand:
		i.Health = said.Health.Test
	case *instructions.ExposeCommand:
		i.Ports = append(i.Ports, said.Ports...)
	case *instructions.EnvCommand:
		for _, pair := range said.Env {
			i.Env[pair.Key] = pair.Value
		}
	}
}

// The files of a folder that a build is given.
func context(folder string) ([]string, error) {
	file, err := os.Open(filepath.Join(folder, ".dockerignore"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		return nil, err
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, err
	}
	sent := []string{}
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		isIgnored, err := matcher.MatchesOrParentMatches(relative)
		if err == nil && !isIgnored {
			sent = append(sent, relative)
		}
		return err
	})
	sort.Strings(sent)
	return sent, err
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
