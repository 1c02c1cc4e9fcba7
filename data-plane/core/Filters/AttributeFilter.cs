using System.Buffers;
using Brokkr.Core.Events;

namespace Brokkr.Core.Filters;

/// <summary>How the value of an attribute is compared with the expected one: ordinal and case-sensitive.</summary>
internal enum Comparison
{
    Exact,
    Prefix,
    Suffix,
}

/// <summary>Compares one attribute. An absent attribute does not match (design §6).</summary>
internal abstract class AttributeFilter(byte[] expected, Comparison comparison) : EventFilter
{
    /// <summary>The filter for an attribute name as the Trigger gives it; names are case-sensitive, so <c>TYPE</c> is an extension no event has.</summary>
    public static AttributeFilter Create(byte[] name, byte[] expected, Comparison comparison)
    {
        if (AttributeNames.TryGetCore(name, out var core))
        {
            return core == CoreAttribute.Time ? new TimeFilter(expected, comparison) : new CoreFilter(core, expected, comparison);
        }

        return name.AsSpan().SequenceEqual(AttributeNames.SchemaUrl)
            ? new CoreFilter(CoreAttribute.DataSchema, expected, comparison)
            : new ExtensionFilter(name, expected, comparison);
    }

    protected bool IsMatch(ReadOnlySpan<byte> value) =>
        comparison switch
        {
            Comparison.Exact => value.SequenceEqual(expected),
            Comparison.Prefix => value.StartsWith(expected),
            _ => value.EndsWith(expected),
        };

    private sealed class CoreFilter(CoreAttribute attribute, byte[] expected, Comparison comparison) : AttributeFilter(expected, comparison)
    {
        // What is expected is never empty, so the empty text of an absent attribute cannot match.
        public override bool Matches(in FilterInput input) => IsMatch(input.Event.Get(attribute));
    }

    private sealed class ExtensionFilter(byte[] name, byte[] expected, Comparison comparison) : AttributeFilter(expected, comparison)
    {
        public override bool Matches(in FilterInput input) =>
            (input.Overlay.TryGet(name, out var value) || input.Event.TryGetExtension(name, out value)) && IsMatch(value);
    }

    private sealed class TimeFilter(byte[] expected, Comparison comparison) : AttributeFilter(expected, comparison)
    {
        public override bool Matches(in FilterInput input)
        {
            if (!Timestamp.TryParse(input.Event.Get(CoreAttribute.Time), lenient: true, out var time))
            {
                return false;
            }

            byte[]? rented = null;
            var utc = time.MaxLength <= 128 ? stackalloc byte[128] : rented = ArrayPool<byte>.Shared.Rent(time.MaxLength);
            var matches = IsMatch(utc[..time.WriteUtc(utc)]);
            if (rented is not null)
            {
                ArrayPool<byte>.Shared.Return(rented);
            }

            return matches;
        }
    }
}
