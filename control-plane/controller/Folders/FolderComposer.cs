using System.Globalization;
using System.Text.Json.Nodes;
using Brokkr.Apis;
using Brokkr.Apis.Validation;
using Brokkr.Controller.Contracts;
using Brokkr.Controller.Stores;

namespace Brokkr.Controller.Folders;

/// <summary>
/// Decides which objects are in force, given what the files say and what was in force before: an object with an error keeps its last good version,
/// an object that is in no file any more goes. Remembers only resource versions.
/// </summary>
/// <param name="options">Namespaces that count.</param>
/// <param name="isForCluster">The manifests are for a cluster: features are off that a cluster has to be asked for, and nothing is said of what a folder does.</param>
internal sealed class FolderComposer(FolderOptions options, bool isForCluster = false)
{
    private static readonly FieldProblem NotUsed = new(
        "kind",
        "EventPolicy is not used in a folder: nobody is asked for a token",
        IsWarning: true
    );

    private long _version;

    public FolderSnapshot Compose(IReadOnlyCollection<FolderFile> files, FileProblem? folderProblem, FolderSnapshot before)
    {
        var problems = new List<FileProblem>();
        if (folderProblem is not null)
        {
            problems.Add(folderProblem);
        }

        var claims = Claim(files, problems);

        // Defaults and rules of the others depend on some ConfigMaps, so these come first.
        var entries = new Dictionary<ObjectKey, FolderEntry>();
        var invalid = new Dictionary<ObjectKey, InvalidObject>();
        var round = new Round(before, entries, invalid, problems);
        foreach (var claim in claims.Where(claim => claim.Read.Value is ConfigMap))
        {
            Decide(claim, round, EventingFeatures.Default, null);
        }

        var features = EventingFeatures.Read(
            SystemConfig(entries, EventingFeatures.ConfigMapName)?.Data,
            EventingFeatures.Default with
            {
                DeliveryRetryAfter = !isForCluster,
            }
        );
        var defaults = ReadBrokerDefaults(entries, problems);
        foreach (var claim in claims.Where(claim => claim.Read.Value is not ConfigMap))
        {
            Decide(claim, round, features, defaults);
        }

        KeepWhatMayStillBeThere(files, before, entries);
        return Assemble(entries, invalid, problems, features);
    }

    private sealed record Claimed(ObjectKey Key, ReadObject Read, string File);

    private sealed record Round(
        FolderSnapshot Before,
        Dictionary<ObjectKey, FolderEntry> Entries,
        Dictionary<ObjectKey, InvalidObject> Invalid,
        List<FileProblem> Problems
    );

    /// <summary>The document of each object: the first, where several files have it.</summary>
    private List<Claimed> Claim(IReadOnlyCollection<FolderFile> files, List<FileProblem> problems)
    {
        var claims = new Dictionary<ObjectKey, Claimed>();
        foreach (var file in files)
        {
            if (file.Problem is not null)
            {
                problems.Add(file.Problem);
            }

            foreach (var read in file.Objects)
            {
                if (read.Key is not { } key)
                {
                    problems.AddRange(read.Problems.Select(problem => At(file.Name, read, problem)));
                }
                else if (!claims.TryAdd(key, new Claimed(key, read, file.Name)))
                {
                    var first = claims[key];
                    problems.Add(
                        new FileProblem(
                            true,
                            file.Name,
                            read.Document.Line,
                            "",
                            $"{key} is already defined at {first.File}:{first.Read.Document.Line}{(isForCluster ? "" : "; this one is not used")}"
                        )
                    );
                }
            }
        }

        return [.. claims.Values];
    }

    private void Decide(Claimed claim, Round round, EventingFeatures features, BrokerDefaults? defaults)
    {
        IReadOnlyList<FieldProblem> found = claim.Read.Problems;
        var value = claim.Read.Value;
        round.Before.Entries.TryGetValue(claim.Key, out var last);
        if (value is not null)
        {
            (value, var more) = Check(value, features, defaults);
            found = [.. found, .. more, .. CheckUpdate(last, claim.Read, value)];
        }

        var placed = found.Select(problem => At(claim.File, claim.Read, problem)).ToList();
        var error = placed.Find(problem => problem.IsError);
        if (error is null)
        {
            round.Problems.AddRange(placed);
            round.Entries[claim.Key] = new FolderEntry(
                WithVersion(value!, claim.Read, last),
                claim.File,
                claim.Read.Document.Line,
                claim.Read
            );
            return;
        }

        var meanwhile = last is null
            ? $"; {claim.Key} is not used until this is mended"
            : $"; the last good version of {claim.Key} stays in force";
        round.Problems.AddRange(
            placed.Select(problem => problem == error && !isForCluster ? problem with { Message = problem.Message + meanwhile } : problem)
        );
        round.Invalid[claim.Key] = new InvalidObject($"{claim.File}:{claim.Read.Document.Line}", error, last is not null);
        if (last is not null)
        {
            round.Entries[claim.Key] = last;
        }
    }

    private (ApiObject Value, IEnumerable<FieldProblem> Problems) Check(
        ApiObject value,
        EventingFeatures features,
        BrokerDefaults? defaults
    )
    {
        switch (value)
        {
            case Broker broker:
                broker = Defaulting.Apply(broker, defaults, BrokerClasses.Kafka);
                return (broker, BrokerRules.Check(broker, features, defaults));
            case Trigger trigger:
                trigger = Defaulting.Apply(trigger);
                return (trigger, TriggerRules.Check(trigger, features));
            case KafkaSink sink:
                sink = Defaulting.Apply(sink);
                return (sink, KafkaSinkRules.Check(sink));
            case ConfigMap { Name: KafkaFeatures.ConfigMapName } map
                when string.Equals(map.Namespace, options.SystemNamespace, StringComparison.Ordinal):
                return (map, KafkaFeatures.Read(map.Data).Problems);
            case ConfigMap { Name: EventingFeatures.ConfigMapName } map
                when string.Equals(map.Namespace, options.SystemNamespace, StringComparison.Ordinal):
                return (map, EventingFeatures.Check(map.Data));
            case EventPolicy policy:
                return (policy, isForCluster ? EventPolicyRules.Check(policy) : [.. EventPolicyRules.Check(policy), NotUsed]);
            case Secret secret:
                return (secret, SecretData.Check(secret));
            default:
                return (value, []);
        }
    }

    /// <summary>
    /// What must not change in an object, as in a cluster. A change counts if the documents differ in the field, and so does what they mean: not when only
    /// the defaults have changed, nor when a default is now written down.
    /// </summary>
    private static IEnumerable<FieldProblem> CheckUpdate(FolderEntry? last, ReadObject read, ApiObject value)
    {
        if (last is null)
        {
            return [];
        }

        var written = UpdateRules.Check(last.Read.Value, read.Value).Select(problem => problem.Path).ToHashSet(StringComparer.Ordinal);
        return UpdateRules
            .Check(last.Value, value)
            .Where(problem => written.Contains(problem.Path))
            .Select(problem =>
                problem with
                {
                    Message = $"{problem.Message}: take the object out of the folder and put it back, or give it another name",
                }
            );
    }

    /// <summary>
    /// An object that no document claims stays if it may well be there: in a file with a document that cannot be told what it is.
    /// </summary>
    private static void KeepWhatMayStillBeThere(
        IReadOnlyCollection<FolderFile> files,
        FolderSnapshot before,
        Dictionary<ObjectKey, FolderEntry> entries
    )
    {
        var unclear = files
            .Where(file => file.Objects.Any(read => read.Key is null && read.Problems.Any(problem => !problem.IsWarning)))
            .Select(file => file.Name)
            .ToHashSet(StringComparer.Ordinal);
        foreach (var (key, entry) in before.Entries)
        {
            if (unclear.Contains(entry.File))
            {
                entries.TryAdd(key, entry);
            }
        }
    }

    private ApiObject WithVersion(ApiObject value, ReadObject read, FolderEntry? last)
    {
        var version =
            last is not null && JsonNode.DeepEquals(last.Read.Document.Json, read.Document.Json)
                ? last.Value.Metadata!.ResourceVersion
                : (++_version).ToString(CultureInfo.InvariantCulture);
        return value with { Metadata = value.Metadata! with { ResourceVersion = version } };
    }

    private ConfigMap? SystemConfig(Dictionary<ObjectKey, FolderEntry> entries, string name) =>
        entries.GetValueOrDefault(new ObjectKey("", ConfigMap.KindName, options.SystemNamespace, name))?.Value as ConfigMap;

    private BrokerDefaults? ReadBrokerDefaults(Dictionary<ObjectKey, FolderEntry> entries, List<FileProblem> problems)
    {
        const string Name = BrokerDefaultsConfig.ConfigMapName;
        var (defaults, error) = BrokerDefaultsConfig.Read(SystemConfig(entries, Name)?.Data);
        if (error is not null)
        {
            var entry = entries[new ObjectKey("", ConfigMap.KindName, options.SystemNamespace, Name)];
            var path = FieldPath.Member("data", BrokerDefaultsConfig.DataKey);
            problems.Add(
                new FileProblem(true, entry.File, entry.Read.Document.LineOf(path), path, $"{error}; Brokers get no defaults from it")
            );
        }

        return defaults;
    }

    private static FolderSnapshot Assemble(
        Dictionary<ObjectKey, FolderEntry> entries,
        Dictionary<ObjectKey, InvalidObject> invalid,
        List<FileProblem> problems,
        EventingFeatures features
    )
    {
        return new FolderSnapshot
        {
            Objects = new ObjectSet
            {
                Brokers = Of<Broker>(),
                Triggers = Of<Trigger>(),
                KafkaSinks = Of<KafkaSink>(),
                ConfigMaps = Of<ConfigMap>(),
                Services = Of<Service>(),
                Others = entries
                    .Where(entry => entry.Value.Value is AddressableObject)
                    .ToDictionary(entry => entry.Key, entry => (AddressableObject)entry.Value.Value),
            },
            Secrets = Of<Secret>(),
            Entries = entries,
            Invalid = invalid,
            Problems = [.. problems.OrderBy(problem => problem.File, StringComparer.Ordinal).ThenBy(problem => problem.Line)],
            Features = features,
        };

        Dictionary<ObjectName, T> Of<T>()
            where T : ApiObject => entries.Values.Select(entry => entry.Value).OfType<T>().ToDictionary(value => value.ObjectName);
    }

    private static FileProblem At(string file, ReadObject read, FieldProblem problem) =>
        new(
            !problem.IsWarning,
            file,
            problem.Path.Length == 0 ? read.Document.Line : read.Document.LineOf(problem.Path),
            problem.Path,
            problem.Message
        );
}
