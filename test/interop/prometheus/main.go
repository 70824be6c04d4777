// Answers how Prometheus itself evaluates an alerting rule and predict_linear: one JSON question a line on standard input, one JSON
// answer a line on standard output. Times in seconds; a value is a number, "NaN", "+Inf" or "-Inf".
//
//	{"rule": {"high", "forSeconds", "keepFiringForSeconds"}, "readings": [{"at", "value": … | null | "error"}]}
//	    → {"states": ["inactive" | "pending" | "firing", …]}, the state of the alert after each evaluation
//	{"points": [{"at", "value"}], "now", "rangeSeconds", "seconds"}
//	    → {"predicted": "…" | null}
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

type reading struct {
	At    float64         `json:"at"`
	Value json.RawMessage `json:"value"`
}

type question struct {
	Rule *struct {
		High                 float64 `json:"high"`
		ForSeconds           float64 `json:"forSeconds"`
		KeepFiringForSeconds float64 `json:"keepFiringForSeconds"`
	} `json:"rule"`
	Readings     []reading `json:"readings"`
	Points       []reading `json:"points"`
	Now          float64   `json:"now"`
	RangeSeconds float64   `json:"rangeSeconds"`
	Seconds      float64   `json:"seconds"`
}

func millis(seconds float64) int64 { return int64(math.Round(seconds * 1000)) }

func duration(seconds float64) time.Duration {
	return time.Duration(millis(seconds)) * time.Millisecond
}

func valueOf(raw json.RawMessage) (float64, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return strconv.ParseFloat(text, 64)
	}
	var number float64
	err := json.Unmarshal(raw, &number)
	return number, err
}

var engine = promql.NewEngine(promql.EngineOpts{
	Logger:     slog.New(slog.DiscardHandler),
	MaxSamples: 1_000_000,
	Timeout:    time.Minute,
	Parser:     expressions,
})

var expressions = parser.NewParser(parser.Options{})

// states evaluates the rule once at each reading, by the expression `vector(value) > high`.
func states(asked question) ([]string, error) {
	vector, err := expressions.ParseExpr(fmt.Sprintf("fill > %v", asked.Rule.High))
	if err != nil {
		return nil, err
	}
	rule := rules.NewAlertingRule("Full", vector, duration(asked.Rule.ForSeconds), duration(asked.Rule.KeepFiringForSeconds),
		labels.EmptyLabels(), labels.EmptyLabels(), labels.EmptyLabels(), "", true, slog.New(slog.DiscardHandler))
	all := make([]string, 0, len(asked.Readings))
	for _, each := range asked.Readings {
		ts := time.UnixMilli(millis(each.At)).UTC()
		query := func(ctx context.Context, _ string, at time.Time) (promql.Vector, error) {
			if string(each.Value) == `"error"` {
				return nil, errors.New("the query failed")
			}
			if string(each.Value) == "null" {
				return nil, nil
			}
			value, err := valueOf(each.Value)
			if err != nil {
				return nil, err
			}
			text := fmt.Sprintf("vector(%s) > %v", strconv.FormatFloat(value, 'g', -1, 64), asked.Rule.High)
			instant, err := engine.NewInstantQuery(ctx, storage.QueryableFunc(nothing), nil, text, at)
			if err != nil {
				return nil, err
			}
			defer instant.Close()
			return instant.Exec(ctx).Vector()
		}
		// The error of a failed query is what is being tested.
		_, _ = rule.Eval(context.Background(), 0, ts, query, nil, 0)
		rule.SetEvaluationTimestamp(ts)
		all = append(all, rule.State().String())
	}
	return all, nil
}

func nothing(int64, int64) (storage.Querier, error) { return storage.NoopQuerier(), nil }

type sample struct {
	t int64
	f float64
}

func (s sample) T() int64                      { return s.t }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.f }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

// one is a set of one series.
type one struct {
	series storage.Series
	taken  bool
}

func (o *one) Next() bool {
	was := o.taken
	o.taken = true
	return !was
}
func (o *one) At() storage.Series                { return o.series }
func (o *one) Err() error                        { return nil }
func (o *one) Warnings() annotations.Annotations { return nil }

// predicted evaluates predict_linear over the points as they are stored.
func predicted(asked question) (any, error) {
	samples := make([]chunks.Sample, 0, len(asked.Points))
	for _, each := range asked.Points {
		value, err := valueOf(each.Value)
		if err != nil {
			return nil, err
		}
		samples = append(samples, sample{millis(each.At), value})
	}
	series := storage.NewListSeries(labels.FromStrings("__name__", "fill"), samples)
	stored := &storage.MockQueryable{MockQuerier: &storage.MockQuerier{
		SelectMockFunction: func(bool, *storage.SelectHints, ...*labels.Matcher) storage.SeriesSet {
			return &one{series: series}
		},
	}}
	text := fmt.Sprintf("predict_linear(fill[%dms], %v)", millis(asked.RangeSeconds), asked.Seconds)
	ctx := context.Background()
	instant, err := engine.NewInstantQuery(ctx, stored, nil, text, time.UnixMilli(millis(asked.Now)).UTC())
	if err != nil {
		return nil, err
	}
	defer instant.Close()
	vector, err := instant.Exec(ctx).Vector()
	if err != nil || len(vector) == 0 {
		return nil, err
	}
	return strconv.FormatFloat(vector[0].F, 'g', -1, 64), nil
}

func answer(line []byte) any {
	var asked question
	err := json.Unmarshal(line, &asked)
	if err == nil && asked.Rule != nil {
		var all []string
		if all, err = states(asked); err == nil {
			return map[string]any{"states": all}
		}
	} else if err == nil {
		var value any
		if value, err = predicted(asked); err == nil {
			return map[string]any{"predicted": value}
		}
	}
	return map[string]string{"refused": err.Error()}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		text, err := json.Marshal(answer(lines.Bytes()))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		out.Write(append(text, '\n'))
	}
}
