import com.google.gson.Gson;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.context.propagation.TextMapPropagator;
import io.opentelemetry.contrib.awsxray.propagator.AwsXrayPropagator;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.extension.trace.propagation.B3Propagator;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sqs.SqsClient;
import software.amazon.awssdk.services.sqs.model.MessageAttributeValue;

/** A service on the OpenTelemetry SDK for Java: sends a message in each format, and receives what comes back. */
public final class Main {
  record Task(
      String service,
      String endpoint,
      String inUrl,
      String outUrl,
      String to,
      String otlpUrl,
      Map<String, String> otlpHeaders,
      List<String> formats) {}

  record Answer(String version, Map<String, String> sent, Map<String, String> received) {}

  static final TextMapGetter<Map<String, String>> GETTER =
      new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(Map<String, String> carrier) {
          return carrier.keySet();
        }

        @Override
        public String get(Map<String, String> carrier, String key) {
          return carrier.get(key);
        }
      };

  static final Map<String, TextMapPropagator> PROPAGATORS =
      Map.of(
          "w3c", W3CTraceContextPropagator.getInstance(),
          "b3", B3Propagator.injectingSingleHeader(),
          "b3multi", B3Propagator.injectingMultiHeaders(),
          "xray", AwsXrayPropagator.getInstance());

  public static void main(String[] args) {
    var gson = new Gson();
    var task = gson.fromJson(new InputStreamReader(System.in, StandardCharsets.UTF_8), Task.class);
    var exporter = OtlpHttpSpanExporter.builder().setEndpoint(task.otlpUrl());
    task.otlpHeaders().forEach(exporter::addHeader);
    var service = Attributes.of(AttributeKey.stringKey("service.name"), task.service());
    var provider =
        SdkTracerProvider.builder()
            .addSpanProcessor(BatchSpanProcessor.builder(exporter.build()).build())
            .setResource(Resource.create(service))
            .build();
    var tracer = provider.get("interop");
    var credentials = StaticCredentialsProvider.create(AwsBasicCredentials.create("x", "y"));
    var sqs =
        SqsClient.builder()
            .endpointOverride(URI.create(task.endpoint()))
            .region(Region.US_EAST_1)
            .credentialsProvider(credentials)
            .httpClient(UrlConnectionHttpClient.create())
            .build();

    Map<String, String> sent = new TreeMap<>();
    for (var format : task.formats()) {
      var order = tracer.spanBuilder("order").startSpan();
      var parent = Context.root().with(order);
      var span = tracer.spanBuilder("send interop").setSpanKind(SpanKind.PRODUCER).setParent(parent).startSpan();
      Map<String, MessageAttributeValue> attributes = new HashMap<>();
      PROPAGATORS
          .get(format)
          .inject(
              parent.with(span),
              attributes,
              (carrier, name, value) ->
                  carrier.put(name, MessageAttributeValue.builder().dataType("String").stringValue(value).build()));
      var body = gson.toJson(Map.of("format", format, "to", task.to()));
      sqs.sendMessage(to -> to.queueUrl(task.inUrl()).messageBody(body).messageAttributes(attributes));
      sent.put(format, span.getSpanContext().getTraceId());
      span.end();
      order.end();
    }

    Map<String, String> received = new TreeMap<>();
    for (long limit = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
        received.size() < sent.size() && System.nanoTime() < limit; ) {
      var answer =
          sqs.receiveMessage(
              from ->
                  from.queueUrl(task.outUrl())
                      .waitTimeSeconds(1)
                      .maxNumberOfMessages(10)
                      .messageAttributeNames("All"));
      for (var message : answer.messages()) {
        var format = (String) gson.fromJson(message.body(), Map.class).get("format");
        // The propagator asks for X-B3-TraceId, and names in a message are spelled as their sender likes.
        Map<String, String> carrier = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        message.messageAttributes().forEach((name, value) -> carrier.put(name, value.stringValue()));
        var parent = PROPAGATORS.get(format).extract(Context.root(), carrier, GETTER);
        var span = tracer.spanBuilder("process answer").setSpanKind(SpanKind.CONSUMER).setParent(parent).startSpan();
        received.put(format, span.getSpanContext().getTraceId());
        span.end();
        sqs.deleteMessage(of -> of.queueUrl(task.outUrl()).receiptHandle(message.receiptHandle()));
      }
    }
    provider.shutdown().join(10, TimeUnit.SECONDS);
    var version = Resource.getDefault().getAttribute(AttributeKey.stringKey("telemetry.sdk.version"));
    System.out.print(gson.toJson(new Answer(version, sent, received)));
  }
}
