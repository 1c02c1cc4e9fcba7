using Brokkr.Apis;
using Brokkr.Controller.Stores;

namespace Brokkr.Controller.Folders;

/// <summary>An object in force and where it stands.</summary>
/// <param name="Value">The object, valid and with its defaults.</param>
/// <param name="File">Its file.</param>
/// <param name="Line">Its first line.</param>
/// <param name="Read">What it was made of.</param>
internal sealed record FolderEntry(ApiObject Value, string File, int Line, ReadObject Read);

/// <summary>An object whose document has an error.</summary>
/// <param name="Source">Where it stands.</param>
/// <param name="Error">The first error.</param>
/// <param name="HasLastGood">Whether an earlier version of it stays in force.</param>
internal sealed record InvalidObject(string Source, FileProblem Error, bool HasLastGood);

/// <summary>The folder at one moment. Immutable.</summary>
internal sealed record FolderSnapshot
{
    public static FolderSnapshot Empty { get; } = new();

    public ObjectSet Objects { get; init; } = ObjectSet.Empty;

    public IReadOnlyDictionary<ObjectName, Secret> Secrets { get; init; } = new Dictionary<ObjectName, Secret>();

    public IReadOnlyDictionary<ObjectKey, FolderEntry> Entries { get; init; } = new Dictionary<ObjectKey, FolderEntry>();

    public IReadOnlyDictionary<ObjectKey, InvalidObject> Invalid { get; init; } = new Dictionary<ObjectKey, InvalidObject>();

    public IReadOnlyList<FileProblem> Problems { get; init; } = [];

    public EventingFeatures Features { get; init; } = EventingFeatures.Default;

    /// <summary>Where an object stands, for people.</summary>
    public string SourceOf(ObjectKey key) => Entries.TryGetValue(key, out var entry) ? $"{entry.File}:{entry.Line}" : "";
}
