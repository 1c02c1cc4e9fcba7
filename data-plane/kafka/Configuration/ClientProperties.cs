using System.Globalization;
using Brokkr.Core.Log;
using Brokkr.Kafka.Tokens;

namespace Brokkr.Kafka.Configuration;

/// <summary>
/// Translates the Java client properties of the mounted files into librdkafka's (receiver-and-core §9.3, dispatcher §3.6). What has no counterpart
/// but is known is dropped in silence; what nobody knows is reported, and never fatal.
/// </summary>
internal static class ClientProperties
{
    /// <summary>Same meaning and name in both clients.</summary>
    private static readonly HashSet<string> Same = new(StringComparer.Ordinal)
    {
        "client.dns.lookup",
        "client.id",
        "client.rack",
        "connections.max.idle.ms",
        "heartbeat.interval.ms",
        "isolation.level",
        "reconnect.backoff.max.ms",
        "reconnect.backoff.ms",
        "retry.backoff.ms",
        "retry.backoff.max.ms",
        "sasl.mechanism",
        "sasl.kerberos.service.name",
        "sasl.oauthbearer.scope",
        "sasl.oauthbearer.token.endpoint.url",
        "security.protocol",
        "session.timeout.ms",
        "socket.connection.setup.timeout.ms",
    };

    private static readonly HashSet<string> SameForProducers = new(StringComparer.Ordinal)
    {
        "batch.size",
        "compression.type",
        "delivery.timeout.ms",
        "linger.ms",
    };

    private static readonly HashSet<string> SameForConsumers = new(StringComparer.Ordinal)
    {
        "check.crcs",
        "fetch.max.bytes",
        "fetch.min.bytes",
        "max.poll.interval.ms",
    };

    /// <summary>Known to the Java client, and of no effect here: ours is decided elsewhere, or there is nothing to decide.</summary>
    private static readonly HashSet<string> WithoutEffect = new(StringComparer.Ordinal)
    {
        "acks",
        "allow.auto.create.topics",
        "auto.commit.interval.ms",
        "auto.include.jmx.reporter",
        "auto.offset.reset",
        "bootstrap.servers",
        "cloudevent.invalid.kind.plural",
        "cloudevent.invalid.transformer.enabled",
        "cloudevents.serializer.encoding",
        "cloudevents.serializer.event_format",
        "default.api.timeout.ms",
        "enable.auto.commit",
        "enable.idempotence",
        "exclude.internal.topics",
        "group.id",
        "interceptor.classes",
        "key.deserializer",
        "key.serializer",
        "max.block.ms",
        "max.in.flight.requests.per.connection",
        "max.partition.fetch.bytes",
        "max.poll.records",
        "metadata.max.age.ms",
        "metric.reporters",
        "metrics.num.samples",
        "metrics.recording.level",
        "metrics.sample.window.ms",
        "partition.assignment.strategy",
        "partitioner.adaptive.partitioning.enable",
        "partitioner.class",
        "partitioner.ignore.keys",
        "retries",
        "sasl.client.callback.handler.class",
        "sasl.login.callback.handler.class",
        "sasl.login.connect.timeout.ms",
        "sasl.login.read.timeout.ms",
        "sasl.login.refresh.buffer.seconds",
        "sasl.login.refresh.min.period.seconds",
        "sasl.login.refresh.window.factor",
        "sasl.login.refresh.window.jitter",
        "sasl.login.retry.backoff.max.ms",
        "sasl.login.retry.backoff.ms",
        "sasl.oauthbearer.jwt.retriever.class",
        "transaction.timeout.ms",
        "value.deserializer",
        "value.serializer",
    };

    /// <summary>Settings of the producer: those of the file, then what this project insists on (design §6).</summary>
    /// <param name="java">Properties of the mounted file.</param>
    /// <param name="unknown">Is called with each key that nobody knows.</param>
    /// <exception cref="LogConfigurationException">A value that no client would take. Others are refused when the client is made.</exception>
    public static Dictionary<string, string> ForProducer(IReadOnlyDictionary<string, string> java, Action<string> unknown)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal) { ["linger.ms"] = "0" };
        foreach (var (key, value) in java)
        {
            switch (key)
            {
                case "acks" when value is not ("all" or "-1" or "0" or "1"):
                    throw new LogConfigurationException(
                        $"producer property acks: '{value}' is none of all, -1, 1 and 0 (all is used in any case)"
                    );
                case "buffer.memory" when long.TryParse(value, CultureInfo.InvariantCulture, out var bytes):
                    result["queue.buffering.max.kbytes"] = Math.Clamp(bytes / 1024, 1, int.MaxValue).ToString(CultureInfo.InvariantCulture);
                    break;
                case "max.request.size":
                    result["message.max.bytes"] = value;
                    break;
                case "request.timeout.ms":
                    result["request.timeout.ms"] = value;
                    break;
                default:
                    if (SameForProducers.Contains(key))
                    {
                        result[key] = value;
                    }
                    else
                    {
                        Common(result, key, value, SameForConsumers, unknown);
                    }

                    break;
            }
        }

        // A topic that was created a moment ago may not be known to every broker yet; after this it does not exist.
        result["topic.metadata.propagation.max.ms"] = "3000";
        // The most that an idempotent producer may have. A request carries one partition only, so fewer would let keyed events wait for each other's
        // partitions where a round trip takes milliseconds.
        result["max.in.flight.requests.per.connection"] = "5";
        result["acks"] = "all";
        result["enable.idempotence"] = "true";
        result["partitioner"] = "murmur2_random";
        return result;
    }

    /// <summary>Settings of every client that reads, joins a group or administers: those of the file that bear on it.</summary>
    /// <param name="java">Properties of the mounted file.</param>
    /// <param name="unknown">Is called with each key that nobody knows.</param>
    public static Dictionary<string, string> ForConsumer(IReadOnlyDictionary<string, string> java, Action<string> unknown)
    {
        var result = new Dictionary<string, string>(StringComparer.Ordinal) { ["isolation.level"] = "read_uncommitted" };
        foreach (var (key, value) in java)
        {
            switch (key)
            {
                case "fetch.max.wait.ms":
                    result["fetch.wait.max.ms"] = value;
                    break;
                case "request.timeout.ms":
                    // The shipped 2 s are shorter than a fetch may take; librdkafka adds no time for the long poll.
                    break;
                default:
                    if (SameForConsumers.Contains(key))
                    {
                        result[key] = value;
                    }
                    else
                    {
                        Common(result, key, value, SameForProducers, unknown);
                    }

                    break;
            }
        }

        return result;
    }

    /// <summary>Only what a client needs to connect, for administration.</summary>
    /// <param name="consumer">Settings of consumers.</param>
    /// <param name="timeout">Deadline of a request.</param>
    public static Dictionary<string, string> ForAdmin(Dictionary<string, string> consumer, TimeSpan timeout)
    {
        // The connection must give up before the request's own deadline: a late answer to a request that has been given up ends the process
        // (an assertion in librdkafka, seen with 2.16.0 and a broker that stops answering).
        var socketTimeout = Math.Max(1000, (long)timeout.TotalMilliseconds / 2);
        var result = new Dictionary<string, string>(consumer, StringComparer.Ordinal)
        {
            ["socket.timeout.ms"] = socketTimeout.ToString(CultureInfo.InvariantCulture),

            // What the client remembers of a topic it does not ask for again meanwhile: a partition that was added would have no leader for so long.
            ["metadata.max.age.ms"] = "1000",
        };
        foreach (var key in SameForConsumers)
        {
            result.Remove(key);
        }

        foreach (var key in (ReadOnlySpan<string>)["isolation.level", "session.timeout.ms", "heartbeat.interval.ms", "fetch.wait.max.ms"])
        {
            result.Remove(key);
        }

        return result;
    }

    private static void Common(
        Dictionary<string, string> result,
        string key,
        string value,
        HashSet<string> ofTheOtherKind,
        Action<string> unknown
    )
    {
        switch (key)
        {
            case "receive.buffer.bytes":
                result["socket.receive.buffer.bytes"] = value is "-1" ? "0" : value;
                break;
            case "send.buffer.bytes":
                result["socket.send.buffer.bytes"] = value is "-1" ? "0" : value;
                break;
            case "ssl.truststore.certificates":
                result["ssl.ca.pem"] = value;
                break;
            case "ssl.keystore.certificate.chain":
                result["ssl.certificate.pem"] = value;
                break;
            case "ssl.keystore.key":
                result["ssl.key.pem"] = value;
                break;
            case "ssl.endpoint.identification.algorithm":
                result[key] = value.Length == 0 ? "none" : value;
                break;
            case "sasl.oauthbearer.client.credentials.client.id":
                result[ClientCredentials.IdSetting] = value;
                break;
            case "sasl.oauthbearer.client.credentials.client.secret":
                result[ClientCredentials.SecretSetting] = value;
                break;
            case ClientCredentials.InsecureSetting:
                result[key] = value.Trim();
                break;
            case "sasl.jaas.config":
                Jaas(result, value);
                break;
            default:
                if (Same.Contains(key))
                {
                    result[key] = value;
                }
                else if (
                    !WithoutEffect.Contains(key)
                    && !ofTheOtherKind.Contains(key)
                    && key is not ("buffer.memory" or "max.request.size" or "fetch.max.wait.ms")
                )
                {
                    unknown(key);
                }

                break;
        }
    }

    /// <summary>Takes user and password, or what to get tokens with, out of a login module line.</summary>
    private static void Jaas(Dictionary<string, string> result, string line)
    {
        const string extension = "extension_";
        var extensions = new List<string>();
        foreach (var (name, value) in JaasLine.Options(line))
        {
            var target = name switch
            {
                "username" => "sasl.username",
                "password" => "sasl.password",
                "clientId" => ClientCredentials.IdSetting,
                "clientSecret" => ClientCredentials.SecretSetting,
                "scope" => ClientCredentials.ScopeSetting,
                _ => null,
            };
            if (target is not null)
            {
                result[target] = value;
            }
            else if (name.StartsWith(extension, StringComparison.Ordinal))
            {
                extensions.Add($"{name[extension.Length..]}={value}");
            }
        }

        if (extensions.Count > 0)
        {
            result[ClientCredentials.ExtensionsSetting] = string.Join(',', extensions);
        }
    }
}
