"""A service on the OpenTelemetry SDK for Python: sends a message in each format, and receives what comes back."""

import json
import sys
import time

import boto3
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagators.aws import AwsXRayPropagator
from opentelemetry.propagators.b3 import B3MultiFormat, B3SingleFormat
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.version import __version__

task = json.load(sys.stdin)
provider = TracerProvider(resource=Resource.create({"service.name": task["service"]}))
exporter = OTLPSpanExporter(endpoint=task["otlpUrl"], headers=task["otlpHeaders"])
provider.add_span_processor(BatchSpanProcessor(exporter))
tracer = provider.get_tracer("interop")
sqs = boto3.client("sqs", endpoint_url=task["endpoint"], region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y")
propagators = {
    "w3c": TraceContextTextMapPropagator(),
    "b3": B3SingleFormat(),
    "b3multi": B3MultiFormat(),
    "xray": AwsXRayPropagator(),
}

sent = {}
for form in task["formats"]:
    with tracer.start_as_current_span("order"):
        with tracer.start_as_current_span("send interop", kind=trace.SpanKind.PRODUCER) as span:
            carrier = {}
            propagators[form].inject(carrier)
            sqs.send_message(
                QueueUrl=task["inUrl"],
                MessageBody=json.dumps({"format": form, "to": task["to"]}),
                MessageAttributes={name: {"DataType": "String", "StringValue": value} for name, value in carrier.items()},
            )
            sent[form] = format(span.get_span_context().trace_id, "032x")

received = {}
limit = time.monotonic() + 60
while len(received) < len(sent) and time.monotonic() < limit:
    answer = sqs.receive_message(QueueUrl=task["outUrl"], WaitTimeSeconds=1, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    for message in answer.get("Messages", []):
        form = json.loads(message["Body"])["format"]
        carrier = {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
        parent = propagators[form].extract(carrier)
        with tracer.start_as_current_span("process answer", context=parent, kind=trace.SpanKind.CONSUMER) as span:
            received[form] = format(span.get_span_context().trace_id, "032x")
        sqs.delete_message(QueueUrl=task["outUrl"], ReceiptHandle=message["ReceiptHandle"])
provider.shutdown()
json.dump({"version": __version__, "sent": sent, "received": received}, sys.stdout)
