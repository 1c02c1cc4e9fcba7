using Brokkr.Apis.Validation;

namespace Brokkr.Controller.Contracts;

/// <summary>The ConfigMap <c>config-kafka-features</c> (control-plane §14, ONM-01, ONM-02, ONM-05).</summary>
internal sealed record KafkaFeatures
{
    /// <summary>Name of the ConfigMap.</summary>
    public const string ConfigMapName = "config-kafka-features";

    private const string TopicKey = "brokers-topic-template";
    private const string GroupKey = "triggers-consumergroup-template";

    /// <summary>What holds where the ConfigMap says nothing.</summary>
    public static KafkaFeatures Default { get; } = new();

    /// <summary>Names of the topics of Brokers.</summary>
    public GoTemplate BrokersTopic { get; init; } = GoTemplate.Parse("knative-broker-{{ .Namespace }}-{{ .Name }}");

    /// <summary>Names of the consumer groups of Triggers.</summary>
    public GoTemplate TriggersConsumerGroup { get; init; } = GoTemplate.Parse("knative-trigger-{{ .Namespace }}-{{ .Name }}");

    /// <summary>Whether the dispatcher limits the rate of deliveries.</summary>
    public bool DispatcherRateLimiter { get; init; }

    /// <summary>Whether the dispatcher has metrics on ordered deliveries.</summary>
    public bool DispatcherOrderedExecutorMetrics { get; init; }

    /// <summary>
    /// Reads the data of the ConfigMap. Of the two spellings of a key the one with dashes wins. A template that is none leaves the default, and the
    /// problem tells its key.
    /// </summary>
    public static (KafkaFeatures Features, IReadOnlyList<FieldProblem> Problems) Read(IReadOnlyDictionary<string, string>? data)
    {
        if (data is null)
        {
            return (Default, []);
        }

        List<FieldProblem> problems = [];
        var features = new KafkaFeatures
        {
            BrokersTopic = Template(TopicKey, "brokers.topic.template", Default.BrokersTopic),
            TriggersConsumerGroup = Template(GroupKey, "triggers.consumergroup.template", Default.TriggersConsumerGroup),
            DispatcherRateLimiter = IsEnabled("dispatcher-rate-limiter", "dispatcher.rate-limiter"),
            DispatcherOrderedExecutorMetrics = IsEnabled("dispatcher-ordered-executor-metrics", "dispatcher.ordered-executor-metrics"),
        };
        return (features, problems);

        GoTemplate Template(string key, string older, GoTemplate otherwise)
        {
            var used = data.ContainsKey(key) ? key : older;
            if (!data.TryGetValue(used, out var text))
            {
                return otherwise;
            }

            try
            {
                return GoTemplate.Parse(text);
            }
            catch (GoTemplateException exception)
            {
                problems.Add(new FieldProblem(FieldPath.Member("data", used), exception.Message));
                return otherwise;
            }
        }

        bool IsEnabled(string key, string older) =>
            (data.TryGetValue(key, out var value) || data.TryGetValue(older, out value))
            && value.Trim().Equals("enabled", StringComparison.OrdinalIgnoreCase);
    }
}
