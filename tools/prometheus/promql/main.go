// Command promql says what Prometheus' own parser makes of expressions: whether they parse, which series they select, and
// how each comparison, threshold and set operator could be mistaken (its mutants).
//
// It reads a JSON list of {"id", "expr"} on standard input and writes one of {"id", "error", "selectors", "mutants"}.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

type question struct {
	ID   string `json:"id"`
	Expr string `json:"expr"`
}

type matcher struct {
	Label string `json:"label"`
	Op    string `json:"op"`
	Value string `json:"value"`
}

// A selector of series. Its name is empty where no equality names the metric.
type selector struct {
	Name     string    `json:"name"`
	Matchers []matcher `json:"matchers"`
}

// A mutant is the expression with one thing changed.
type mutant struct {
	Change string `json:"change"`
	// Where the changed operand or number begins, in bytes.
	At   int    `json:"at"`
	Expr string `json:"expr"`
}

type answer struct {
	ID        string     `json:"id"`
	Error     string     `json:"error,omitempty"`
	Selectors []selector `json:"selectors"`
	Mutants   []mutant   `json:"mutants"`
}

var mistaken = map[parser.ItemType][]parser.ItemType{
	parser.GTR:     {parser.GTE, parser.LSS},
	parser.GTE:     {parser.GTR, parser.LTE},
	parser.LSS:     {parser.LTE, parser.GTR},
	parser.LTE:     {parser.LSS, parser.GTE},
	parser.EQLC:    {parser.NEQ},
	parser.NEQ:     {parser.EQLC},
	parser.LAND:    {parser.LOR},
	parser.LOR:     {parser.LAND},
	parser.LUNLESS: {parser.LAND},
}

// Small whole numbers are mostly counts, which nothing lies between: a tenth more would be no mistake.
func nearby(value float64) []float64 {
	if value == float64(int(value)) && value > -10 && value < 10 {
		return []float64{value + 1, value - 1}
	}
	return []float64{value * 1.1, value * 0.9}
}

func main() {
	var questions []question
	if err := json.NewDecoder(os.Stdin).Decode(&questions); err != nil {
		fail(err)
	}
	answers := make([]answer, 0, len(questions))
	for _, one := range questions {
		answers = append(answers, examine(one))
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintf(os.Stderr, "promql: %v\n", err)
	os.Exit(1)
}

func examine(one question) answer {
	result := answer{ID: one.ID, Selectors: []selector{}, Mutants: []mutant{}}
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(one.Expr)
	if err != nil {
		result.Error = err.Error()
		return result
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch found := node.(type) {
		case *parser.VectorSelector:
			result.Selectors = append(result.Selectors, selectorOf(found))
		case *parser.BinaryExpr:
			result.Mutants = append(result.Mutants, operators(expr, found)...)
		case *parser.NumberLiteral:
			result.Mutants = append(result.Mutants, numbers(expr, found)...)
		}
		return nil
	})
	return result
}

func selectorOf(found *parser.VectorSelector) selector {
	result := selector{Name: found.Name, Matchers: []matcher{}}
	for _, one := range found.LabelMatchers {
		if one.Name != labels.MetricName {
			result.Matchers = append(result.Matchers, matcher{one.Name, one.Type.String(), one.Value})
		} else if one.Type == labels.MatchEqual {
			result.Name = one.Value
		}
	}
	return result
}

// The tree is changed in place, printed, and put back.
func operators(whole parser.Expr, found *parser.BinaryExpr) []mutant {
	var result []mutant
	old := found.Op
	for _, other := range mistaken[old] {
		found.Op = other
		change := fmt.Sprintf("%s becomes %s", old, other)
		result = append(result, mutant{change, int(found.RHS.PositionRange().Start), whole.String()})
	}
	found.Op = old
	return result
}

func numbers(whole parser.Expr, found *parser.NumberLiteral) []mutant {
	var result []mutant
	old := found.Val
	for _, other := range nearby(old) {
		found.Val = other
		change := fmt.Sprintf("%g becomes %g", old, other)
		result = append(result, mutant{change, int(found.PosRange.Start), whole.String()})
	}
	found.Val = old
	return result
}
