namespace Brokkr.Core.Events;

/// <summary>An extension laid over an event: lower-case name, UTF-8 value and its type.</summary>
/// <param name="Name">Lower-case name.</param>
/// <param name="Value">Value in its canonical string form.</param>
/// <param name="Type">Type of the value.</param>
public readonly record struct OverlaidExtension(byte[] Name, byte[] Value, AttributeType Type);

/// <summary>
/// Extensions laid over an event without copying it, winning over its own of the same name: the place in the log (<c>knativekafkapartition</c>,
/// <c>knativekafkaoffset</c>), a resource's overrides, the error attributes of a dead letter (dispatcher §4.6, §9). Immutable.
/// </summary>
public sealed class EventOverlay
{
    private readonly OverlaidExtension[] _extensions;

    /// <summary>Nothing.</summary>
    public static EventOverlay Empty { get; } = OfDistinct([]);

    private EventOverlay(OverlaidExtension[] extensions, bool _) => _extensions = extensions;

    /// <summary>Creates an overlay of extensions whose names are known to differ. The array is not copied and must not be written again.</summary>
    public static EventOverlay OfDistinct(OverlaidExtension[] extensions) => new(extensions, false);

    /// <summary>Creates an overlay; of equal names the last wins.</summary>
    public EventOverlay(IReadOnlyList<OverlaidExtension> extensions)
    {
        var kept = new List<OverlaidExtension>(extensions.Count);
        foreach (var extension in extensions)
        {
            kept.RemoveAll(k => k.Name.AsSpan().SequenceEqual(extension.Name));
            kept.Add(extension);
        }

        _extensions = [.. kept];
    }

    /// <summary>The extensions, in the order in which they are applied.</summary>
    public ReadOnlySpan<OverlaidExtension> Extensions => _extensions;

    /// <summary>Finds an extension by its lower-case name.</summary>
    /// <returns>Whether it is laid over the event.</returns>
    public bool TryGet(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value) => TryGet(name, out value, out _);

    /// <summary>Finds an extension, and its type, by its lower-case name.</summary>
    /// <returns>Whether it is laid over the event.</returns>
    public bool TryGet(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value, out AttributeType type)
    {
        foreach (ref readonly var extension in _extensions.AsSpan())
        {
            if (name.SequenceEqual(extension.Name))
            {
                value = extension.Value;
                type = extension.Type;
                return true;
            }
        }

        value = default;
        type = default;
        return false;
    }
}
