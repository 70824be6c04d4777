import com.google.gson.Gson;
import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import tidemark.v1.EnvelopeOuterClass.Envelope;

/** Reads envelopes and writes them again, and writes some from their parts: a list of cases in, a list of answers out. */
public final class Main {
  record Case(String bytes, String payload, Map<String, String> metadata) {}

  record Answer(String payload, Map<String, String> metadata, String again, String built, String nanos, String time) {}

  public static void main(String[] args) throws Exception {
    var gson = new Gson();
    var cases = gson.fromJson(new InputStreamReader(System.in, StandardCharsets.UTF_8), Case[].class);
    List<Answer> answers = new ArrayList<>();
    for (var each : cases) {
      var read = Envelope.parseFrom(Base64.getDecoder().decode(each.bytes()));
      var built =
          Envelope.newBuilder()
              .setPayload(ByteString.copyFrom(Base64.getDecoder().decode(each.payload())))
              .putAllMetadata(each.metadata())
              .build();
      String nanos = null;
      String time = null;
      var stamp = read.getMetadataMap().get("x-timestamp");
      if (stamp != null) {
        var instant = Instant.parse(stamp);
        nanos = Long.toString(Math.addExact(Math.multiplyExact(instant.getEpochSecond(), 1_000_000_000L), instant.getNano()));
        time = instant.toString();
      }
      answers.add(
          new Answer(
              Base64.getEncoder().encodeToString(read.getPayload().toByteArray()),
              read.getMetadataMap(),
              bytesOf(read),
              bytesOf(built),
              nanos,
              time));
    }
    new PrintStream(System.out, true, StandardCharsets.UTF_8).print(gson.toJson(answers));
  }

  private static String bytesOf(Envelope envelope) throws Exception {
    var bytes = new ByteArrayOutputStream();
    var out = CodedOutputStream.newInstance(bytes);
    out.useDeterministicSerialization();
    envelope.writeTo(out);
    out.flush();
    return Base64.getEncoder().encodeToString(bytes.toByteArray());
  }
}
