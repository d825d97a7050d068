package bench;

import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Counts the events of each key in a state store with a changelog, without looking at them.
 *
 * <p>Everything is at its default except what the environment says. WARM_UP_SECONDS: so long at most the same topology
 * reads the same topic first, under another name in the same process, so that the code is compiled when it counts.
 */
public final class Counting {
  private static final Map<String, String> ENV = System.getenv();

  private Counting() {}

  public static void main(String[] arguments) throws Exception {
    long warmUp = Long.parseLong(ENV.getOrDefault("WARM_UP_SECONDS", "0"));
    if (warmUp > 0) {
      warmUp(Duration.ofSeconds(warmUp));
    }
    KafkaStreams counting = new KafkaStreams(topology(null), properties(ENV.get("GROUP")));
    CountDownLatch ended = new CountDownLatch(1);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      counting.close(Duration.ofSeconds(5));
      ended.countDown();
    }));
    counting.start();
    ended.await();
  }

  private static void warmUp(Duration most) throws Exception {
    LongAdder seen = new LongAdder();
    long all = records();
    long until = System.nanoTime() + most.toNanos();
    try (KafkaStreams counting = new KafkaStreams(topology(seen), properties(ENV.get("GROUP") + "-warm-up"))) {
      counting.start();
      while (seen.sum() < all && System.nanoTime() < until) {
        Thread.sleep(50);
      }
    }
  }

  private static long records() throws Exception {
    String topic = ENV.get("TOPIC");
    try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", ENV.get("BROKER")))) {
      var partitions = admin.describeTopics(java.util.List.of(topic)).allTopicNames().get().get(topic).partitions();
      var ends = partitions.stream().collect(
          Collectors.toMap(each -> new TopicPartition(topic, each.partition()), each -> OffsetSpec.latest()));
      return admin.listOffsets(ends).all().get().values().stream().mapToLong(each -> each.offset()).sum();
    }
  }

  private static org.apache.kafka.streams.Topology topology(LongAdder seen) {
    StreamsBuilder builder = new StreamsBuilder();
    KStream<byte[], byte[]> events =
        builder.stream(ENV.get("TOPIC"), Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()));
    if (seen != null) {
      events = events.peek((key, value) -> seen.increment());
    }
    events
        .groupByKey(Grouped.with(Serdes.ByteArray(), Serdes.ByteArray()))
        .count(Materialized.<byte[], Long, KeyValueStore<Bytes, byte[]>>as("counts")
            .withKeySerde(Serdes.ByteArray())
            .withValueSerde(Serdes.Long()));
    return builder.build();
  }

  private static Properties properties(String name) {
    Properties properties = new Properties();
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, name);
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, ENV.get("BROKER"));
    properties.put(StreamsConfig.STATE_DIR_CONFIG, ENV.get("STATE"));
    properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, ENV.get("GUARANTEE"));
    properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, ENV.get("THREADS"));
    properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    if (ENV.containsKey("COMMIT_MS")) {
      properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, ENV.get("COMMIT_MS"));
    }
    return properties;
  }
}
