// A service on the OpenTelemetry SDK for Go: sends a message in each format, and receives what comes back.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.opentelemetry.io/contrib/propagators/aws/xray"
	"go.opentelemetry.io/contrib/propagators/b3"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

type task struct {
	Service     string            `json:"service"`
	Endpoint    string            `json:"endpoint"`
	InURL       string            `json:"inUrl"`
	OutURL      string            `json:"outUrl"`
	To          string            `json:"to"`
	OtlpURL     string            `json:"otlpUrl"`
	OtlpHeaders map[string]string `json:"otlpHeaders"`
	Formats     []string          `json:"formats"`
}

func main() {
	var job task
	check(json.NewDecoder(os.Stdin).Decode(&job))
	ctx := context.Background()
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(job.OtlpURL), otlptracehttp.WithHeaders(job.OtlpHeaders))
	check(err)
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", job.Service))),
	)
	tracer := provider.Tracer("interop")
	client := sqs.New(sqs.Options{
		BaseEndpoint: aws.String(job.Endpoint),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("x", "y", ""),
	})
	propagators := map[string]propagation.TextMapPropagator{
		"w3c":     propagation.TraceContext{},
		"b3":      b3.New(b3.WithInjectEncoding(b3.B3SingleHeader)),
		"b3multi": b3.New(b3.WithInjectEncoding(b3.B3MultipleHeader)),
		"xray":    xray.Propagator{},
	}

	sent := map[string]string{}
	for _, format := range job.Formats {
		outer, order := tracer.Start(ctx, "order")
		inner, span := tracer.Start(outer, "send interop", trace.WithSpanKind(trace.SpanKindProducer))
		carrier := propagation.MapCarrier{}
		propagators[format].Inject(inner, carrier)
		attributes := map[string]types.MessageAttributeValue{}
		for name, value := range carrier {
			attributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
		}
		body, err := json.Marshal(map[string]string{"format": format, "to": job.To})
		check(err)
		_, err = client.SendMessage(ctx, &sqs.SendMessageInput{
			QueueUrl: aws.String(job.InURL), MessageBody: aws.String(string(body)), MessageAttributes: attributes,
		})
		check(err)
		sent[format] = span.SpanContext().TraceID().String()
		span.End()
		order.End()
	}

	received := map[string]string{}
	for limit := time.Now().Add(time.Minute); len(received) < len(sent) && time.Now().Before(limit); {
		answer, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: aws.String(job.OutURL), WaitTimeSeconds: 1, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		})
		check(err)
		for _, message := range answer.Messages {
			var body struct {
				Format string `json:"format"`
			}
			check(json.Unmarshal([]byte(*message.Body), &body))
			carrier := propagation.MapCarrier{}
			for name, value := range message.MessageAttributes {
				carrier[name] = *value.StringValue
			}
			parent := propagators[body.Format].Extract(ctx, carrier)
			_, span := tracer.Start(parent, "process answer", trace.WithSpanKind(trace.SpanKindConsumer))
			received[body.Format] = span.SpanContext().TraceID().String()
			span.End()
			_, err = client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: aws.String(job.OutURL), ReceiptHandle: message.ReceiptHandle})
			check(err)
		}
	}
	check(provider.Shutdown(ctx))
	check(json.NewEncoder(os.Stdout).Encode(map[string]any{"version": otel.Version(), "sent": sent, "received": received}))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
