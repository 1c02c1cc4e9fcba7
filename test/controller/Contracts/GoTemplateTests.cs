using Brokkr.Apis;
using Brokkr.Controller.Contracts;

namespace Brokkr.Controller.Tests.Contracts;

/// <summary>Templates of names (ONM-01, ONM-02, control-plane §14).</summary>
public sealed class GoTemplateTests
{
    private static readonly ObjectMeta Metadata = new()
    {
        Name = "orders",
        Namespace = "shop",
        Uid = "0815",
        Generation = 3,
        Labels = new Dictionary<string, string> { ["team"] = "red", ["a.b/c"] = "x" },
    };

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("knative-broker-{{ .Namespace }}-{{ .Name }}", "knative-broker-shop-orders")]
    [InlineData("{{.UID}}", "0815")]
    [InlineData("{{ .Labels.team }}-{{ index .Labels \"a.b/c\" }}-{{ index .Labels \"none\" }}", "red-x-")]
    [InlineData("{{ printf \"%s_%d\" .Name .Generation }}", "orders_3")]
    [InlineData("{{ if eq .Namespace \"shop\" \"mall\" }}s{{ else }}o{{ end }}", "s")]
    [InlineData("{{ if ne .Namespace `shop` }}s{{ else if .Annotations }}a{{ else }}o{{ end }}", "o")]
    [InlineData("{{ if and .Name (not (index .Labels \"none\")) }}yes{{ end }}", "yes")]
    [InlineData("a {{- /* remark */ -}} b", "ab")]
    [InlineData("a {{- .Name -}} b", "aordersb")]
    public void Template_gives_a_name(string template, string name) => Assert.Equal(name, GoTemplate.Parse(template).Execute(Metadata));

    [Theory]
    [InlineData("{{ .Name")]
    [InlineData("x{{ .Nope }}")]
    [InlineData("{{ .Name | upper }}")]
    [InlineData("{{ range .Labels }}{{ end }}")]
    [InlineData("{{ if .Name }}")]
    [InlineData("{{ end }}")]
    [InlineData("{{ }}")]
    [InlineData("{{ index .Labels }}")]
    [InlineData("{{ .Name.First }}")]
    [InlineData("{{ (.Name }}")]
    [InlineData("{{ $x }}")]
    public void What_is_not_supported_is_refused_when_it_is_read(string template) =>
        Assert.Throws<GoTemplateException>(() => GoTemplate.Parse(template));

    [Fact]
    public void Label_that_the_object_has_not_is_told() =>
        Assert.Throws<GoTemplateException>(() => GoTemplate.Parse("{{ .Labels.none }}").Execute(Metadata));

    /// <summary>ONM-05.</summary>
    [Fact]
    public void Key_with_dashes_wins_over_the_older_spelling()
    {
        var (features, problems) = KafkaFeatures.Read(
            new Dictionary<string, string>
            {
                ["brokers.topic.template"] = "older",
                ["brokers-topic-template"] = "newer",
                ["triggers.consumergroup.template"] = "older",
                ["dispatcher.rate-limiter"] = "Enabled",
                ["dispatcher.ordered-executor-metrics"] = "enabled",
                ["dispatcher-ordered-executor-metrics"] = "disabled",
            }
        );
        Assert.Empty(problems);
        Assert.Equal("newer", features.BrokersTopic.Text);
        Assert.Equal("older", features.TriggersConsumerGroup.Text);
        Assert.True(features.DispatcherRateLimiter);
        Assert.False(features.DispatcherOrderedExecutorMetrics);
        Assert.False(KafkaFeatures.Default.DispatcherRateLimiter);
    }
}
