using System.Text.Json;
using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Apis.Validation;
using Brokkr.Controller.Contracts;
using Brokkr.Controller.Folders;
using Brokkr.Controller.Stores;
using Google.Protobuf;

namespace Brokkr.Controller.Tests.Contracts;

/// <summary>Applies the steps of a scenario under <c>data/observed</c> as a cluster would, and computes the contract after each.</summary>
internal sealed class ObservedScenario
{
    private const string SystemNamespace = "knative-eventing";

    private readonly string _name;
    private readonly Dictionary<ObjectKey, ApiObject> _objects = [];
    private readonly HashSet<string> _topicsInKafka = new(StringComparer.Ordinal);
    private readonly Dictionary<ObjectKey, JsonObject> _json = [];
    private KafkaFeatures _kafkaFeatures = KafkaFeatures.Default;

    public ObservedScenario(string name)
    {
        _name = name;
        Apply(
            """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: kafka-broker-config, namespace: knative-eventing}
            data: {bootstrap.servers: "<kafka-plaintext>", default.topic.partitions: "3", default.topic.replication.factor: "1"}
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: config-kafka-features, namespace: knative-eventing}
            data: {}
            """
        );
    }

    public static string FolderOf(string name) => Path.Combine(AppContext.BaseDirectory, "data", "observed", name);

    public ContractPlan Plan { get; private set; } = null!;

    public void Apply(string text)
    {
        foreach (var document in YamlReader.Read(Fill(text)))
        {
            var json = (JsonObject)document.Json!;
            switch ((string)json["kind"]!)
            {
                case "Settle":
                    break;
                case "Delete":
                    Delete((JsonArray)json["objects"]!);
                    break;
                case "Patch":
                    Patch(json);
                    break;
                case "Kafka":
                    _topicsInKafka.UnionWith(((JsonObject)json["topics"]!).Select(topic => topic.Key));
                    break;
                default:
                    Store(document);
                    break;
            }
        }

        Compute();
    }

    /// <summary>Resources that are served, by name, as observed ones are written.</summary>
    public Dictionary<string, JsonObject> Resources() =>
        Plan
            .Resources.Values.Where(plan => !plan.Topic.IsExternal || _topicsInKafka.Contains(plan.Topic.Specification.Name))
            .Select(plan =>
            {
                var json = Normalize(plan.Resource);
                json.Remove("egresses");
                return json;
            })
            .ToDictionary(json => (string)json["reference"]!["name"]!, StringComparer.Ordinal);

    /// <summary>Egresses by name, as observed ones are written: with the delivery options that hold.</summary>
    public Dictionary<string, JsonObject> Egresses() =>
        Plan
            .Resources.Values.SelectMany(plan => plan.Resource.Egresses.Select(egress => (plan.Resource, egress)))
            .Select(pair =>
            {
                var egress = pair.egress.Clone();
                egress.EgressConfig ??= pair.Resource.EgressConfig?.Clone();
                if (egress.EgressConfig?.CalculateSize() == 0)
                {
                    egress.EgressConfig = null;
                }

                var json = Normalize(egress);
                json.Remove("uid");
                return json;
            })
            .ToDictionary(json => (string)json["reference"]!["name"]!, StringComparer.Ordinal);

    private JsonObject Normalize(IMessage message)
    {
        var text = JsonFormatter.Default.Format(message);
        foreach (var value in _objects.Values)
        {
            text = text.Replace(value.Uid, $"<uid of {value.Kind}/{value.Name}>", StringComparison.Ordinal);
        }

        return (JsonObject)JsonNode.Parse(text)!;
    }

    private static string Fill(string text) =>
        text.Replace("${BOOTSTRAP}", "<kafka-plaintext>", StringComparison.Ordinal)
            .Replace("${DEAD}", "<nobody>", StringComparison.Ordinal)
            .Replace("${CA}", "\"<CA>\"", StringComparison.Ordinal);

    private void Store(YamlDocumentJson document)
    {
        var read = Assert.Single(ObjectReader.Read(document, _name));
        if (read.Value is not { } value)
        {
            return;
        }

        _objects.TryGetValue(value.Key, out var before);
        if (before is not null)
        {
            value = WithStatusOf(value, before);
        }

        var (admitted, problems) = Admit(value, before);
        if (problems.All(problem => problem.IsWarning))
        {
            _objects[value.Key] = admitted;
            _json[value.Key] = (JsonObject)document.Json!.DeepClone();
        }
    }

    private static (ApiObject Value, IReadOnlyList<FieldProblem> Problems) Admit(ApiObject value, ApiObject? before)
    {
        var features = EventingFeatures.Default with { DeliveryRetryAfter = true };
        switch (value)
        {
            case Broker broker:
                broker = Defaulting.Apply(broker, null, null);
                return (
                    broker,
                    [.. BrokerRules.Check(broker, features), .. before is Broker old ? BrokerRules.CheckUpdate(old, broker) : []]
                );
            case Trigger trigger:
                trigger = Defaulting.Apply(trigger);
                return (
                    trigger,
                    [.. TriggerRules.Check(trigger, features), .. before is Trigger was ? TriggerRules.CheckUpdate(was, trigger) : []]
                );
            case KafkaSink sink:
                sink = Defaulting.Apply(sink);
                return (sink, [.. KafkaSinkRules.Check(sink), .. before is KafkaSink had ? KafkaSinkRules.CheckUpdate(had, sink) : []]);
            default:
                return (value, []);
        }
    }

    private void Delete(JsonArray objects)
    {
        foreach (var name in objects.Select(node => ((string)node!).Split('/')))
        {
            // What was refused is not there.
            foreach (var gone in _objects.Keys.Where(key => key.Kind == name[0] && key.Namespace == _name && key.Name == name[^1]).ToList())
            {
                _objects.Remove(gone);
            }
        }
    }

    private void Patch(JsonObject step)
    {
        var parts = ((string)step["object"]!).Split('/');
        var key = _objects.Keys.Single(candidate =>
            candidate.Kind == parts[0] && candidate.Name == parts[^1] && (parts.Length == 2 || candidate.Namespace == parts[1])
        );
        var json = _json[key];
        Merge(json, (JsonObject)step["patch"]!);
        Store(new YamlDocumentJson(json, 1, new Dictionary<string, int>()));
    }

    private static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
        {
            if (value is JsonObject inner)
            {
                if (target[name] is not JsonObject)
                {
                    target[name] = new JsonObject();
                }

                Merge((JsonObject)target[name]!, inner);
            }
            else if (value is null)
            {
                target.Remove(name);
            }
            else
            {
                target[name] = value.DeepClone();
            }
        }
    }

    /// <summary>Computes the contract, and remembers names in the status as a controller does.</summary>
    private void Compute()
    {
        var kafka = _objects
            .Values.OfType<ConfigMap>()
            .Single(map => map.Name == KafkaFeatures.ConfigMapName && map.Namespace == SystemNamespace);
        var (features, problems) = KafkaFeatures.Read(kafka.Data);
        if (problems.Count == 0)
        {
            _kafkaFeatures = features;
        }

        Plan = ContractBuilder.Build(
            new ContractInput
            {
                Objects = new ObjectSet
                {
                    Brokers = Of<Broker>(),
                    Triggers = Of<Trigger>(),
                    KafkaSinks = Of<KafkaSink>(),
                    ConfigMaps = Of<ConfigMap>(),
                    Services = Of<Service>(),
                },
                Destinations = new ClusterDestinations(_objects),
                KafkaFeatures = _kafkaFeatures,
            }
        );
        foreach (var planned in Plan.Objects.Where(planned => planned.ResourceKey is not null))
        {
            var status = planned.Status;
            _objects[status.Key] = _objects[status.Key] switch
            {
                Broker broker => broker with
                {
                    Status = new BrokerStatus { Annotations = Remembering(StatusAnnotations.Topic, status.Topic!) },
                },
                Trigger trigger => trigger with
                {
                    Status = new TriggerStatus { Annotations = Remembering(StatusAnnotations.ConsumerGroup, status.ConsumerGroup!) },
                },
                var other => other,
            };
        }

        Dictionary<ObjectName, T> Of<T>()
            where T : ApiObject => _objects.Values.OfType<T>().ToDictionary(value => value.ObjectName);

        static Dictionary<string, string> Remembering(string name, string value) => new() { [name] = value };
    }

    private static ApiObject WithStatusOf(ApiObject value, ApiObject before) =>
        (value, before) switch
        {
            (Broker broker, Broker { Status: { } status }) => broker with { Status = status },
            (Trigger trigger, Trigger { Status: { } status }) => trigger with { Status = status },
            _ => value,
        };

    /// <summary>Addresses as a cluster gives them.</summary>
    private sealed class ClusterDestinations(IReadOnlyDictionary<ObjectKey, ApiObject> objects) : IDestinationResolver
    {
        public Resolution Resolve(Destination destination, string namespaceName, string field)
        {
            var certificates = destination.CACerts ?? "";
            var audience = destination.Audience ?? "";
            if (destination.Ref is not { } reference)
            {
                return new Resolution(destination.Uri, certificates, audience, null);
            }

            var name = new ObjectName(reference.Namespace ?? namespaceName, reference.Name!);
            if (!objects.ContainsKey(new ObjectKey(reference.GroupName, reference.Kind!, name.Namespace, name.Name)))
            {
                return Resolution.Failed($"no {reference.Kind} {name}");
            }

            var url = reference.Kind switch
            {
                "Service" => $"{(certificates.Length > 0 ? "https" : "http")}://{name.Name}.{name.Namespace}.svc.cluster.local",
                "Broker" => $"http://kafka-broker-ingress.knative-eventing.svc.cluster.local/{name}",
                "KafkaSink" => $"http://kafka-sink-ingress.knative-eventing.svc.cluster.local/{name}",
                _ => null,
            };
            if (url is null)
            {
                return Resolution.Failed($"{reference.Kind} {name} has no address");
            }

            return new Resolution(
                destination.Uri is null ? url : new Uri(new Uri(url), destination.Uri).AbsoluteUri,
                certificates,
                audience,
                null
            );
        }
    }
}
