namespace Brokkr.Controller.Folders;

/// <summary>What the control plane on a folder of YAML files is to do.</summary>
public sealed record FolderOptions
{
    /// <summary>The folder: every <c>*.yaml</c> and <c>*.yml</c> in it and below is read. Files and folders that begin with a dot are not.</summary>
    public required string Path { get; init; }

    /// <summary>Where the receiver of this process is reached; Brokers and KafkaSinks are at <c>{BaseAddress}/{namespace}/{name}</c>.</summary>
    public required Uri BaseAddress { get; init; }

    /// <summary>
    /// Kafka servers (comma separated) of Brokers whose manifest names no ConfigMap. With <see cref="EmbeddedLog"/> any word that tells people
    /// where their events are.
    /// </summary>
    public required string DefaultBootstrapServers { get; init; }

    /// <summary>
    /// Everything lives on the log of this process: servers and credentials in manifests are not used, replication is not compared, and topics
    /// that manifests call external are made too, since nobody else could make them.
    /// </summary>
    public bool EmbeddedLog { get; init; }

    /// <summary>Partitions of a topic where no ConfigMap says it; 10 is what the original's sample configuration has.</summary>
    public int DefaultPartitions { get; init; } = 10;

    /// <summary>Replication where no ConfigMap says it; -1 leaves it to the cluster, which a single node needs.</summary>
    public short DefaultReplicationFactor { get; init; } = -1;

    /// <summary>Topic settings where no ConfigMap says them, by Kafka's names.</summary>
    public IReadOnlyDictionary<string, string> DefaultTopicSettings { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Namespace of objects that name none.</summary>
    public string DefaultNamespace { get; init; } = "default";

    /// <summary>Namespace in which <c>config-features</c> and <c>config-kafka-features</c> are looked up.</summary>
    public string SystemNamespace { get; init; } = "knative-eventing";

    /// <summary>How long the folder must be quiet before it is read: an editor writes a file in several steps.</summary>
    public TimeSpan QuietTime { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>How often the folder is looked at without having been told of a change: notifications get lost on network and container mounts.</summary>
    public TimeSpan RescanInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Largest file that is read, in bytes; larger ones are reported.</summary>
    public long MaxFileBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>
    /// How long a Trigger must be gone before its consumer group is deleted: a file that is moved or checked out again comes back within this
    /// time and keeps its place.
    /// </summary>
    public TimeSpan GroupDeletionDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Time for one call to the log, such as making a topic.</summary>
    public TimeSpan LogTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>First wait before a failed call to the log is tried again; it doubles up to <see cref="MaxRetryDelay"/>.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Longest wait before a failed call to the log is tried again.</summary>
    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromSeconds(30);
}
