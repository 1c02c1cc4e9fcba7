namespace Brokkr.EndToEnd.Tests.Parts;

/// <summary>What the ConfigMaps <c>config-kafka-broker-data-plane</c> and their siblings of the original hold (receiver-and-core §9, §17.5; dispatcher §3.2).</summary>
internal static class ShippedConfiguration
{
    private const string Producer = """
        key.serializer=org.apache.kafka.common.serialization.StringSerializer
        value.serializer=io.cloudevents.kafka.CloudEventSerializer
        acks=all
        buffer.memory=33554432
        retries=2147483647
        batch.size=16384
        client.dns.lookup=use_all_dns_ips
        connections.max.idle.ms=600000
        delivery.timeout.ms=120000
        linger.ms=0
        max.block.ms=60000
        max.request.size=1048576
        receive.buffer.bytes=-1
        request.timeout.ms=2000
        enable.idempotence=false
        max.in.flight.requests.per.connection=5
        metadata.max.age.ms=300000
        metrics.num.samples=2
        metrics.recording.level=INFO
        metrics.sample.window.ms=30000
        reconnect.backoff.max.ms=1000
        reconnect.backoff.ms=50
        retry.backoff.ms=100

        """;

    private const string Consumer = """
        key.deserializer=org.apache.kafka.common.serialization.StringDeserializer
        value.deserializer=io.cloudevents.kafka.CloudEventDeserializer
        fetch.min.bytes=1
        heartbeat.interval.ms=3000
        max.partition.fetch.bytes=65536
        session.timeout.ms=10000
        allow.auto.create.topics=true
        client.dns.lookup=use_all_dns_ips
        connections.max.idle.ms=540000
        default.api.timeout.ms=2000
        enable.auto.commit=false
        exclude.internal.topics=true
        fetch.max.bytes=52428800
        max.poll.interval.ms=300000
        max.poll.records=50
        partition.assignment.strategy=org.apache.kafka.clients.consumer.StickyAssignor
        receive.buffer.bytes=65536
        request.timeout.ms=2000
        security.protocol=PLAINTEXT
        send.buffer.bytes=131072
        auto.commit.interval.ms=5000
        check.crcs=true
        fetch.max.wait.ms=500
        metadata.max.age.ms=600000
        reconnect.backoff.max.ms=1000
        retry.backoff.ms=100

        """;

    /// <summary>The files of a kind: <c>broker</c>, <c>channel</c> or <c>source</c>.</summary>
    public static IEnumerable<(string Key, string Value)> Of(string kind) =>
        [
            ($"config-kafka-{kind}-producer.properties", Producer),
            ($"config-kafka-{kind}-consumer.properties", Consumer + ConsumerOf(kind)),
            ($"config-kafka-{kind}-webclient.properties", "idleTimeout=10000\nmaxPoolSize=100\n"),
            ($"config-kafka-{kind}-httpserver.properties", "idleTimeout=0\n"),
        ];

    private static string ConsumerOf(string kind) =>
        kind switch
        {
            "broker" => "auto.offset.reset=latest\nisolation.level=read_uncommitted\n",
            "channel" => "isolation.level=read_uncommitted\n",
            _ => """
                auto.offset.reset=earliest
                isolation.level=read_committed
                cloudevent.invalid.transformer.enabled=true
                cloudevent.invalid.kind.plural=kafkasources

                """,
        };
}
