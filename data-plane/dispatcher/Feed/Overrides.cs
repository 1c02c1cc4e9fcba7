using System.Buffers.Text;
using System.Text;
using Brokkr.Core.Contract.Wire;
using Brokkr.Core.Events;

namespace Brokkr.Dispatcher.Feed;

/// <summary>The extensions that a resource lays over all its events (dispatcher §4.6). Immutable; shared by the Triggers of the resource.</summary>
internal sealed class Overrides
{
    private static readonly byte[] OffsetName = "knativekafkaoffset"u8.ToArray();

    private readonly OverlaidExtension[] _extensions;
    private readonly bool _replacesPlace;

    private Overrides(OverlaidExtension[] extensions)
    {
        _extensions = extensions;
        _replacesPlace = Array.Exists(
            extensions,
            e => e.Name.AsSpan().SequenceEqual("knativekafkapartition"u8) || e.Name.AsSpan().SequenceEqual(OffsetName)
        );
    }

    /// <summary>No overrides.</summary>
    public static Overrides None { get; } = new([]);

    /// <summary>Reads the overrides of a resource. Names that no extension can have are left out and returned.</summary>
    public static Overrides From(CloudEventOverrides? overrides, List<string> refused)
    {
        if (overrides is null || overrides.Extensions.Count == 0)
        {
            return None;
        }

        var kept = new Dictionary<string, OverlaidExtension>(StringComparer.Ordinal);
        foreach (var (name, value) in overrides.Extensions.OrderBy(e => e.Key, StringComparer.Ordinal))
        {
            var lower = name.ToLowerInvariant();
            if (!IsExtensionName(lower))
            {
                refused.Add(name);
                continue;
            }

            kept[lower] = new OverlaidExtension(Encoding.ASCII.GetBytes(lower), Encoding.UTF8.GetBytes(value), AttributeType.String);
        }

        return kept.Count == 0 ? None : new Overrides([.. kept.Values]);
    }

    /// <summary>Names that an extension can have. Those of context attributes are refused: an event with two of them is none.</summary>
    public static bool IsExtensionName(string name) =>
        name.Length > 0
        && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c))
        && name
            is not (
                "specversion"
                or "id"
                or "source"
                or "type"
                or "datacontenttype"
                or "dataschema"
                or "schemaurl"
                or "datacontentencoding"
                or "subject"
                or "time"
                or "data"
            );

    /// <summary>The overlay of a record: its place in the log, then the overrides.</summary>
    public EventOverlay At(PartitionName partition, long offset)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(offset, digits, out var length);
        var place = new OverlaidExtension(
            OffsetName,
            digits[..length].ToArray(),
            offset <= int.MaxValue ? AttributeType.Integer : AttributeType.String
        );
        OverlaidExtension[] all = [partition.Extension, place, .. _extensions];
        return _replacesPlace ? new EventOverlay(all) : EventOverlay.OfDistinct(all);
    }
}
