using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Brokkr.Apis;
using Brokkr.Apis.Validation;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Log;

namespace Brokkr.Controller.Contracts;

/// <summary>
/// Computes what should be: <c>Brokers + Triggers + KafkaSinks + config -> contract</c>. Pure; the objects are valid and have their defaults. A
/// resource holds the egresses of all Triggers of its Broker. An object that cannot be served is left out and its status says why; it never
/// keeps others out.
/// </summary>
internal sealed class ContractBuilder
{
    // What the dispatcher adds to the name of a Broker's topic for the dead letters that nobody takes.
    private const string DeadLetterSuffix = ".dead-letters";

    private readonly ContractInput _input;
    private readonly Dictionary<ObjectKey, ResourcePlan> _resources = [];
    private readonly Dictionary<ObjectKey, PlannedObject> _objects = [];
    private readonly Dictionary<ObjectName, Resolution> _brokerDeadLetterSinks = [];
    private readonly Dictionary<string, ObjectKey> _groups = new(StringComparer.Ordinal);

    private ContractBuilder(ContractInput input) => _input = input;

    /// <summary>Computes the plan.</summary>
    public static ContractPlan Build(ContractInput input)
    {
        var builder = new ContractBuilder(input);
        foreach (var broker in InOrder(input.Objects.Brokers))
        {
            builder.Add(broker);
        }

        foreach (var sink in InOrder(input.Objects.KafkaSinks))
        {
            builder.Add(sink);
        }

        var triggers = new TriggerPlanner(input, builder._resources, builder._objects, builder._brokerDeadLetterSinks, builder._groups);
        foreach (var trigger in InOrder(input.Objects.Triggers))
        {
            builder._objects[trigger.Key] = triggers.Plan(trigger);
        }

        return new ContractPlan(
            builder._resources,
            [
                .. builder
                    ._objects.Values.OrderBy(planned => planned.Status.Key.Kind, StringComparer.Ordinal)
                    .ThenBy(planned => planned.Status.Key.Namespace, StringComparer.Ordinal)
                    .ThenBy(planned => planned.Status.Key.Name, StringComparer.Ordinal),
            ],
            TrustBundles(input.Objects.ConfigMaps.Values)
        );
    }

    /// <summary>The Secrets that the objects name: whoever calls <see cref="Build"/> looks them up before.</summary>
    public static IReadOnlySet<ObjectName> SecretsOf(Stores.ObjectSet objects)
    {
        var names = new HashSet<ObjectName>();
        foreach (var sink in objects.KafkaSinks.Values)
        {
            if (SecretOf(sink) is { } name)
            {
                names.Add(name);
            }
        }

        foreach (var broker in objects.Brokers.Values)
        {
            if (
                ConfigNameOf(broker) is { } config
                && objects.ConfigMaps.TryGetValue(config, out var map)
                && BrokerConfig.Read(map).Config?.Secret is { } name
            )
            {
                names.Add(name);
            }
        }

        return names;
    }

    private static IEnumerable<T> InOrder<T>(IReadOnlyDictionary<ObjectName, T> objects) =>
        objects
            .OrderBy(entry => entry.Key.Namespace, StringComparer.Ordinal)
            .ThenBy(entry => entry.Key.Name, StringComparer.Ordinal)
            .Select(entry => entry.Value);

    private void Add(Broker broker)
    {
        var status = new ObjectStatus { Key = broker.Key };
        var brokerClass = broker.Annotation(BrokerAnnotations.Class);
        if (!BrokerClasses.IsOurs(brokerClass))
        {
            status = Conditions.With(
                status,
                Conditions.Unknown(Conditions.ConfigParsed, "OtherBrokerClass", $"Brokers of class \"{brokerClass}\" are served by others.")
            );
            _objects[broker.Key] = new PlannedObject(status, null);
            return;
        }

        List<string> notes = [];
        if (ConfigOf(broker, notes, out var configError) is not { } config)
        {
            Refuse(broker, status with { Notes = notes }, "ConfigInvalid", configError);
            return;
        }

        if (TopicNameOf(broker, out var topicError) is not { } topic)
        {
            Refuse(broker, status with { Notes = notes }, "TopicNameInvalid", topicError);
            return;
        }

        var isExternal = broker.Annotation(BrokerAnnotations.ExternalTopic) is not null;
        if (isExternal && _input.EmbeddedLog)
        {
            notes.Add($"Topic {topic} is external; on the log of this process it is made, since nobody else can.");
        }

        if (topic.Length > KafkaNames.MaxTopicLength - DeadLetterSuffix.Length)
        {
            notes.Add($"Topic {topic} is too long for a topic {topic}{DeadLetterSuffix}: name a dead letter sink.");
        }

        status = status with { Topic = topic, Notes = notes };
        var resource = ResourceOf(broker, topic, GroupVersion.EventingV1);
        resource.BootstrapServers = string.Join(',', config.BootstrapServers);
        if (!TryAddSecret(resource, config.Secret, out var secretError))
        {
            Refuse(broker, status, "SecretMissing", secretError);
            return;
        }

        var condition = Conditions.True(Conditions.ConfigParsed);
        if (broker.Spec?.Delivery is { } delivery)
        {
            var sink = delivery.DeadLetterSink is null
                ? default
                : _input.Destinations.Resolve(delivery.DeadLetterSink, broker.Namespace, "spec.delivery.deadLetterSink");
            _brokerDeadLetterSinks[broker.ObjectName] = sink;
            if (sink.Error is null)
            {
                var egressConfig = EgressTranslation.Config(delivery, sink);
                resource.EgressConfig = egressConfig.Equals(new EgressConfig()) ? null : egressConfig;
                status = status with { DeadLetterSink = sink.Url };
            }
            else
            {
                // Events are still taken in; the Triggers that need the sink wait for it.
                condition = Conditions.False(Conditions.ConfigParsed, "DeadLetterSinkNotResolved", sink.Error);
            }
        }

        var plan = new TopicPlan(
            new TopicSpecification(topic, config.Partitions, config.ReplicationFactor, config.Settings),
            isExternal && !_input.EmbeddedLog
        );

        _resources[broker.Key] = new ResourcePlan(resource, plan);
        _objects[broker.Key] = new PlannedObject(Conditions.With(status, condition), broker.Key);
    }

    private void Add(KafkaSink sink)
    {
        var spec = sink.Spec!;
        var status = new ObjectStatus { Key = sink.Key, Topic = spec.Topic };
        if (_input.SharesReceiver && _resources.ContainsKey(sink.Key with { Kind = Broker.KindName }))
        {
            Refuse(
                sink,
                status,
                "AddressTaken",
                $"Broker {sink.ObjectName} has the same address in this process; give the KafkaSink another name."
            );
            return;
        }

        var resource = ResourceOf(sink, spec.Topic!, GroupVersion.EventingV1Alpha1);
        resource.Ingress.ContentMode = spec.ContentMode is "structured" ? ContentMode.Structured : ContentMode.Binary;
        resource.BootstrapServers = _input.EmbeddedLog
            ? string.Join(',', _input.DefaultConfig?.BootstrapServers ?? [])
            : string.Join(',', BrokerConfig.SplitServers(string.Join(',', spec.BootstrapServers ?? [])));
        if (!TryAddSecret(resource, _input.EmbeddedLog ? null : SecretOf(sink), out var secretError))
        {
            Refuse(sink, status, "SecretMissing", secretError);
            return;
        }

        List<string> notes = [];
        var isOurs = spec is { NumPartitions: not null, ReplicationFactor: not null };
        if (_input.EmbeddedLog && !isOurs)
        {
            notes.Add($"Topic {spec.Topic} is external; on the log of this process it is made, since nobody else can.");
        }

        var topic = new TopicSpecification(
            spec.Topic!,
            spec.NumPartitions ?? _input.DefaultConfig?.Partitions ?? 1,
            (short)(spec.ReplicationFactor ?? _input.DefaultConfig?.ReplicationFactor ?? -1),
            new Dictionary<string, string>(StringComparer.Ordinal)
        );
        _resources[sink.Key] = new ResourcePlan(resource, new TopicPlan(topic, !isOurs && !_input.EmbeddedLog));
        _objects[sink.Key] = new PlannedObject(
            Conditions.With(status with { Notes = notes }, Conditions.True(Conditions.ConfigParsed)),
            sink.Key
        );
    }

    private void Refuse(ApiObject owner, ObjectStatus status, string reason, string message) =>
        _objects[owner.Key] = new PlannedObject(Conditions.With(status, Conditions.False(Conditions.ConfigParsed, reason, message)), null);

    private Resource ResourceOf(ApiObject owner, string topic, string groupVersion) =>
        new()
        {
            Uid = owner.Uid,
            Topics = { topic },
            Ingress = new Ingress { Path = $"/{owner.Namespace}/{owner.Name}" },
            Reference = new Reference
            {
                Uuid = owner.Uid,
                Namespace = owner.Namespace,
                Name = owner.Name,
                Kind = owner.Kind,
                GroupVersion = groupVersion,
            },
            FeatureFlags = new FeatureFlags { EnableEventTypeAutocreate = _input.Features.EventTypeAutoCreate },
        };

    private bool TryAddSecret(Resource resource, ObjectName? name, out string error)
    {
        error = "";
        if (name is not { } secret)
        {
            return true;
        }

        if (!_input.Secrets.TryGetValue(secret, out var version))
        {
            error = $"There is no Secret {secret}, which should hold the credentials for Kafka.";
            return false;
        }

        resource.AuthSecret = new Reference
        {
            Uuid = version.Uid,
            Namespace = secret.Namespace,
            Name = secret.Name,
            Version = version.ResourceVersion,
        };
        return true;
    }

    private static ObjectName? ConfigNameOf(Broker broker) =>
        broker.Spec?.Config is { } reference
            ? new ObjectName(string.IsNullOrEmpty(reference.Namespace) ? broker.Namespace : reference.Namespace, reference.Name ?? "")
            : null;

    private static ObjectName? SecretOf(KafkaSink sink) =>
        sink.Spec?.Auth?.Secret?.Ref?.Name is { Length: > 0 } name ? new ObjectName(sink.Namespace, name) : null;

    private BrokerConfig? ConfigOf(Broker broker, List<string> notes, out string error)
    {
        error = "";
        if (ConfigNameOf(broker) is not { } name)
        {
            error = "spec.config is missing: it must name a ConfigMap with bootstrap.servers.";
            return _input.DefaultConfig;
        }

        if (!_input.Objects.ConfigMaps.TryGetValue(name, out var map))
        {
            error = $"There is no ConfigMap {name}, which spec.config names.";
            if (_input.DefaultConfig is not null)
            {
                notes.Add($"{error[..^1]}; the defaults are used: {Describe(_input.DefaultConfig)}.");
            }

            return _input.DefaultConfig;
        }

        var (config, problems) = BrokerConfig.Read(map);
        notes.AddRange(problems.Where(problem => problem.IsWarning).Select(problem => $"ConfigMap {name}: {problem}."));
        if (config is null)
        {
            error = $"ConfigMap {name}: {string.Join("; ", problems.Where(problem => !problem.IsWarning))}.";
            return null;
        }

        if (!_input.EmbeddedLog)
        {
            return config;
        }

        return config with
        {
            BootstrapServers = _input.DefaultConfig?.BootstrapServers ?? [],
            Secret = null,
        };
    }

    private static string Describe(BrokerConfig config) => $"{string.Join(',', config.BootstrapServers)}, {config.Partitions} partitions";

    /// <summary>The topic: external, or as the status remembers it, or by the template.</summary>
    private string? TopicNameOf(Broker broker, out string error)
    {
        error = "";
        string name;
        if (broker.Annotation(BrokerAnnotations.ExternalTopic) is { } external)
        {
            name = external;
        }
        else if (broker.Status?.Annotations?.GetValueOrDefault(StatusAnnotations.Topic) is { Length: > 0 } remembered)
        {
            name = remembered;
        }
        else
        {
            try
            {
                name = _input.KafkaFeatures.BrokersTopic.Execute(broker.Metadata!);
            }
            catch (GoTemplateException exception)
            {
                error = $"The template for topics \"{_input.KafkaFeatures.BrokersTopic.Text}\" cannot be applied: {exception.Message}.";
                return null;
            }
        }

        if (KafkaNames.WhyNoTopic(name) is { } why)
        {
            error =
                $"The topic would be \"{name}\", but {why.Replace("must name a topic", "it must be a topic's name", StringComparison.Ordinal)}.";
            return null;
        }

        return name;
    }

    /// <summary>All certificates in ConfigMaps that are labelled as trust bundles (control-plane §4.5), sorted.</summary>
    private static List<string> TrustBundles(IEnumerable<ConfigMap> maps)
    {
        const string Label = "networking.knative.dev/trust-bundle";
        return
        [
            .. maps.Where(map => map.Metadata?.Labels?.GetValueOrDefault(Label) is "true")
                .SelectMany(map => map.Data?.Values ?? [])
                .Where(HasCertificate)
                .Order(StringComparer.Ordinal),
        ];
    }

    private static bool HasCertificate(string pem)
    {
        try
        {
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPem(pem);
            foreach (var certificate in certificates)
            {
                certificate.Dispose();
            }

            return certificates.Count > 0;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}
