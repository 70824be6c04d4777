// Answers how Prometheus itself evaluates an alerting rule and predict_linear: one JSON question a line on standard input, one JSON
// answer a line on standard output. Times in seconds; a value is a number, "NaN", "+Inf" or "-Inf".
//
//	{"rule": {"high", "forSeconds", "keepFiringForSeconds"}, "readings": [{"at", "value": … | null | "error"}]}
//	    → {"states": ["inactive" | "pending" | "firing", …]}, the state of the alert after each evaluation
//	{"rule": {…}, "vectors": [{"at", "series": [{"labels", "value"}] | "error"}]}
//	    → {"alerts": [{"<labels as JSON>": "pending" | "firing", …} | "refused", …]}, the active alerts after each evaluation
//	{"restore": {"forSeconds", "activeAt", "downAt", "now"}}
//	    → {"activeAt": …}, of an alert that was active until Prometheus went down, and is so again when it is back
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
	Vectors      []vector  `json:"vectors"`
	Restore      *outage   `json:"restore"`
	Points       []reading `json:"points"`
	Now          float64   `json:"now"`
	RangeSeconds float64   `json:"rangeSeconds"`
	Seconds      float64   `json:"seconds"`
}

type vector struct {
	At     float64         `json:"at"`
	Series json.RawMessage `json:"series"`
}

type labelled struct {
	Labels map[string]string `json:"labels"`
	Value  json.RawMessage   `json:"value"`
}

type outage struct {
	ForSeconds float64 `json:"forSeconds"`
	ActiveAt   float64 `json:"activeAt"`
	DownAt     float64 `json:"downAt"`
	Now        float64 `json:"now"`
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

// alerts evaluates the rule once over each vector, by the expression `fill > high`.
func alerts(asked question) ([]any, error) {
	above, err := expressions.ParseExpr(fmt.Sprintf("fill > %v", asked.Rule.High))
	if err != nil {
		return nil, err
	}
	rule := rules.NewAlertingRule("Full", above, duration(asked.Rule.ForSeconds), duration(asked.Rule.KeepFiringForSeconds),
		labels.EmptyLabels(), labels.EmptyLabels(), labels.EmptyLabels(), "", true, slog.New(slog.DiscardHandler))
	all := make([]any, 0, len(asked.Vectors))
	for _, each := range asked.Vectors {
		ts := time.UnixMilli(millis(each.At)).UTC()
		var seen []labelled
		failed := string(each.Series) == `"error"`
		if !failed {
			if err := json.Unmarshal(each.Series, &seen); err != nil {
				return nil, err
			}
		}
		query := func(_ context.Context, _ string, at time.Time) (promql.Vector, error) {
			if failed {
				return nil, errors.New("the query failed")
			}
			var found promql.Vector
			for _, one := range seen {
				value, err := valueOf(one.Value)
				if err != nil {
					return nil, err
				}
				if value > asked.Rule.High {
					found = append(found, promql.Sample{Metric: labels.FromMap(one.Labels), T: at.UnixMilli(), F: value})
				}
			}
			return found, nil
		}
		_, err := rule.Eval(context.Background(), 0, ts, query, nil, 0)
		rule.SetEvaluationTimestamp(ts)
		if err != nil && !failed {
			all = append(all, "refused")
			continue
		}
		active := map[string]string{}
		for _, alert := range rule.ActiveAlerts() {
			own := alert.Labels.Map()
			delete(own, "alertname")
			// Keys are sorted.
			key, err := json.Marshal(own)
			if err != nil {
				return nil, err
			}
			active[string(key)] = alert.State.String()
		}
		all = append(all, active)
	}
	return all, nil
}

// stored answers the samples of ALERTS_FOR_STATE that lie within the time that is asked for.
type stored struct {
	at, value int64
}

func (s stored) Querier(mint, maxt int64) (storage.Querier, error) {
	return &storage.MockQuerier{
		SelectMockFunction: func(bool, *storage.SelectHints, ...*labels.Matcher) storage.SeriesSet {
			if s.at < mint || s.at > maxt {
				return storage.EmptySeriesSet()
			}
			series := labels.FromStrings("__name__", "ALERTS_FOR_STATE", "alertname", "Full")
			return &one{series: storage.NewListSeries(series, []chunks.Sample{sample{s.at, float64(s.value)}})}
		},
	}, nil
}

// restored is what becomes of an alert's activeAt when Prometheus comes back after an outage.
func restored(asked outage) (float64, error) {
	above, err := expressions.ParseExpr("fill > 0")
	if err != nil {
		return 0, err
	}
	log := slog.New(slog.DiscardHandler)
	rule := rules.NewAlertingRule("Full", above, duration(asked.ForSeconds), 0,
		labels.EmptyLabels(), labels.EmptyLabels(), labels.EmptyLabels(), "", false, log)
	now := time.UnixMilli(millis(asked.Now)).UTC()
	query := func(_ context.Context, _ string, at time.Time) (promql.Vector, error) {
		return promql.Vector{promql.Sample{T: at.UnixMilli(), F: 1}}, nil
	}
	if _, err := rule.Eval(context.Background(), 0, now, query, nil, 0); err != nil {
		return 0, err
	}
	group := rules.NewGroup(rules.GroupOptions{
		Name:          "group",
		Interval:      time.Minute,
		Rules:         []rules.Rule{rule},
		ShouldRestore: true,
		Opts: &rules.ManagerOptions{
			Context:         context.Background(),
			Queryable:       stored{millis(asked.DownAt), int64(asked.ActiveAt)},
			Logger:          log,
			OutageTolerance: time.Hour,
			ForGracePeriod:  10 * time.Minute,
		},
	})
	group.RestoreForState(now)
	active := rule.ActiveAlerts()
	if len(active) != 1 {
		return 0, fmt.Errorf("%d alerts are active", len(active))
	}
	return float64(active[0].ActiveAt.UnixMilli()) / 1000, nil
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
	if err == nil && asked.Restore != nil {
		var activeAt float64
		if activeAt, err = restored(*asked.Restore); err == nil {
			return map[string]any{"activeAt": activeAt}
		}
	} else if err == nil && asked.Vectors != nil {
		var all []any
		if all, err = alerts(asked); err == nil {
			return map[string]any{"alerts": all}
		}
	} else if err == nil && asked.Rule != nil {
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
