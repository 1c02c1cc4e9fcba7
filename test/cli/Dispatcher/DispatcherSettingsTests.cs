using Brokkr.Cli.Dispatcher;
using Brokkr.Core.Configuration;
using Brokkr.Dispatcher;
using Microsoft.Extensions.Logging.Abstractions;

namespace Brokkr.Cli.Tests.Dispatcher;

/// <summary>What the dispatcher takes from its environment and files (dispatcher §1.2, §3.2, §7.2).</summary>
public sealed class DispatcherSettingsTests
{
    private static readonly Dictionary<string, string> Complete = new()
    {
        ["DATA_PLANE_CONFIG_FILE_PATH"] = "/contract",
        ["PRODUCER_CONFIG_FILE_PATH"] = "/producer",
        ["CONSUMER_CONFIG_FILE_PATH"] = "/consumer",
        ["WEBCLIENT_CONFIG_FILE_PATH"] = "/webclient",
        ["CONFIG_OBSERVABILITY_PATH"] = "/observability",
        ["WAIT_STARTUP_SECONDS"] = "8",
        ["EGRESSES_INITIAL_CAPACITY"] = "20",
        ["SERVICE_NAMESPACE"] = "knative-eventing",
    };

    /// <summary>OEG-15, OEG-16.</summary>
    [Fact]
    public void The_shipped_environment_and_properties_give_the_defaults()
    {
        var options = Options(Complete, "max.poll.records=50\nauto.commit.interval.ms=5000\nauto.offset.reset=latest");
        Assert.Equal(new DispatcherOptions(), options);
        options.Validate();
    }

    /// <summary>OEG-17.</summary>
    [Theory]
    [InlineData("auto.offset.reset=earliest", InitialOffset.Earliest)]
    [InlineData("auto.offset.reset= EARLIEST ", InitialOffset.Earliest)]
    [InlineData("auto.offset.reset=latest", InitialOffset.Latest)]
    [InlineData("auto.offset.reset=none", InitialOffset.Latest)]
    [InlineData("", InitialOffset.Latest)]
    public void Where_a_new_group_begins_is_the_consumer_s_setting(string properties, InitialOffset expected) =>
        Assert.Equal(expected, Options(Complete, properties).InitialOffset);

    [Theory]
    [InlineData("max.poll.records=7", 7)]
    [InlineData("max.poll.records=0", 1)]
    [InlineData("", 500)]
    public void Concurrency_is_the_consumer_s_setting(string properties, int expected) =>
        Assert.Equal(expected, Options(Complete, properties).MaxPollRecords);

    /// <summary>Dispatcher §3.2, KSR-02: the file of KafkaSources has these.</summary>
    [Theory]
    [InlineData("cloudevent.invalid.transformer.enabled=true\ncloudevent.invalid.kind.plural=kafkasources", "kafkasources")]
    [InlineData("cloudevent.invalid.transformer.enabled=True\ncloudevent.invalid.kind.plural= kafkasources ", "kafkasources")]
    [InlineData("cloudevent.invalid.transformer.enabled=false\ncloudevent.invalid.kind.plural=kafkasources", null)]
    [InlineData("cloudevent.invalid.transformer.enabled=true\ncloudevent.invalid.kind.plural=", null)]
    [InlineData("cloudevent.invalid.transformer.enabled=true", null)]
    [InlineData("cloudevent.invalid.kind.plural=kafkasources", null)]
    public void Whether_events_are_made_of_plain_records_is_the_consumer_s_setting(string properties, string? expected) =>
        Assert.Equal(expected, Options(Complete, properties).SynthesizedKind);

    [Fact]
    public void What_is_ours_is_read()
    {
        var options = Options(
            new(Complete)
            {
                ["DEAD_LETTER_TOPIC"] = "Disabled",
                ["STOP_BUDGET_SECONDS"] = "3",
                ["RECORD_MEMORY_MEBIBYTES"] = "64",
                ["REPLY_HOP_LIMIT"] = "7",
                ["METRICS_DISABLE_EVENT_TYPE_TAG"] = "true",
            },
            ""
        );
        Assert.Equal(DeadLetterTopic.Disabled, options.DeadLetterTopic);
        Assert.Equal(TimeSpan.FromSeconds(3), options.StopBudget);
        Assert.Equal(64 * 1024 * 1024, options.MemoryBudget);
        Assert.Equal(7, options.ReplyHopLimit);
        Assert.False(options.EventTypeTag);
    }

    [Theory]
    [InlineData("EGRESSES_INITIAL_CAPACITY", "0")]
    [InlineData("EGRESSES_INITIAL_CAPACITY", "many")]
    [InlineData("SERVICE_NAMESPACE", "")]
    [InlineData("CONSUMER_CONFIG_FILE_PATH", "")]
    [InlineData("WEBCLIENT_CONFIG_FILE_PATH", "")]
    [InlineData("DEAD_LETTER_TOPIC", "perhaps")]
    [InlineData("STOP_BUDGET_SECONDS", "-1")]
    [InlineData("RECORD_MEMORY_MEBIBYTES", "0")]
    [InlineData("REPLY_HOP_LIMIT", "-1")]
    [InlineData("KUBERNETES_SERVICE_HOST", "no host")]
    [InlineData("KUBERNETES_SERVICE_PORT", "0")]
    [InlineData("KUBECONFIG", "/nowhere/config")]
    public void A_variable_that_cannot_be_used_is_named(string name, string value)
    {
        var reader = Reader(new(Complete) { [name] = value });
        DispatcherEnvironment.Read(reader);
        Assert.Contains(name, Assert.Single(reader.Problems), StringComparison.Ordinal);
    }

    /// <summary>Dispatcher §7.9.</summary>
    [Fact]
    public void Tokens_for_subscribers_come_from_a_folder_or_from_the_API_server_of_the_cluster()
    {
        Assert.Null(Read().TokensPath);
        Assert.Null(Read().Common.ApiServer);
        var api = Read(("KUBERNETES_SERVICE_HOST", "10.96.0.1"), ("KUBERNETES_SERVICE_PORT", "6443")).Common.ApiServer!;
        Assert.Equal(new Uri("https://10.96.0.1:6443"), api.Address);
        Assert.Equal("/var/run/secrets/kubernetes.io/serviceaccount/ca.crt", api.Authorities!.ToString());
        Assert.Equal("/var/run/secrets/kubernetes.io/serviceaccount/token", api.Token!.ToString());
        Assert.Equal("https://[fd00::1]/", Read(("KUBERNETES_SERVICE_HOST", "fd00::1")).Common.ApiServer!.Address.AbsoluteUri);
        var elsewhere = Read(("KUBERNETES_SERVICE_HOST", "api.test"), ("SERVICE_ACCOUNT_PATH", "/account")).Common.ApiServer!;
        Assert.Equal("/account/token", elsewhere.Token!.ToString());
        Assert.Equal("/account/ca.crt", elsewhere.Authorities!.ToString());
        Assert.Equal("/tokens", Read(("KUBERNETES_SERVICE_HOST", "10.96.0.1"), ("SUBSCRIBER_TOKENS_PATH", "/tokens")).TokensPath);

        static DispatcherEnvironment Read(params (string Name, string Value)[] variables)
        {
            var all = new Dictionary<string, string>(Complete);
            foreach (var (name, value) in variables)
            {
                all[name] = value;
            }

            return DispatcherEnvironment.Read(Reader(all));
        }
    }

    [Fact]
    public void Properties_of_the_HTTP_client_with_a_counterpart_are_honoured()
    {
        var options = WebClientProperties.Apply(
            JavaProperties.Parse("idleTimeout=10000\nmaxPoolSize=100\nconnectTimeout=1500\nkeepAliveTimeout=7\nwhatever=x"),
            new DispatcherOptions(),
            NullLogger.Instance
        );
        Assert.Equal(
            new DispatcherOptions { ConnectTimeout = TimeSpan.FromMilliseconds(1500), ConnectionIdleTimeout = TimeSpan.FromSeconds(7) },
            options
        );
    }

    private static EnvironmentReader Reader(Dictionary<string, string> variables) => new(name => variables.GetValueOrDefault(name));

    private static DispatcherOptions Options(Dictionary<string, string> variables, string consumer) =>
        DispatcherEnvironment.Read(Reader(variables)).ToOptions(JavaProperties.Parse(consumer));
}
