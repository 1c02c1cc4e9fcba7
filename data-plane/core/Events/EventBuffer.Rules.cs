using System.Buffers;
using System.Text;

namespace Brokkr.Core.Events;

public sealed partial class EventBuffer
{
    private static readonly CoreAttribute[] NeverEmpty = [CoreAttribute.DataSchema, CoreAttribute.Subject, CoreAttribute.DataContentType];

    /// <summary>
    /// Checks the event as a whole and brings it into its canonical form: <c>time</c> is rewritten (receiver-and-core §8.3), and in specversion 0.3
    /// <c>schemaurl</c> becomes the data schema, <c>dataschema</c> an extension, and <c>datacontentencoding</c> goes. Call it once all attributes are set.
    /// </summary>
    /// <returns>
    /// <see cref="EventErrorKind.NotAnEvent"/> when there is no <c>specversion</c>; <see cref="EventErrorKind.Invalid"/> with a sentence when a rule of
    /// CEC-01, CEC-02 or CEC-08 to CEC-11 is broken.
    /// </returns>
    public EventError Validate()
    {
        if (!Has(CoreAttribute.SpecVersion))
        {
            return new EventError(EventErrorKind.NotAnEvent, "This is no CloudEvent: the attribute 'specversion' is missing.");
        }

        var version = Get(CoreAttribute.SpecVersion);
        if (!AttributeNames.IsKnownVersion(version))
        {
            return EventError.Invalid("The attribute 'specversion' must be 1.0 or 0.3.");
        }

        if (!_mapped03 && AttributeNames.IsVersion03(version) && MapVersion03() is { IsError: true } error)
        {
            return error;
        }

        return Required(CoreAttribute.Id)
            ?? Required(CoreAttribute.Source)
            ?? Required(CoreAttribute.Type)
            ?? Optional()
            ?? EventError.None;
    }

    private EventError? Required(CoreAttribute attribute)
    {
        if (!Has(attribute))
        {
            return Broken(attribute, "is missing; every event has one");
        }

        return Get(attribute).IsEmpty && !Lenient ? Broken(attribute, "is empty") : null;
    }

    private EventError? Optional()
    {
        if (!UriReference.IsValid(Get(CoreAttribute.Source)))
        {
            return Broken(CoreAttribute.Source, "is not a URI reference");
        }

        if (!UriReference.IsValid(Get(CoreAttribute.DataSchema)))
        {
            return Broken(CoreAttribute.DataSchema, "is not a URI");
        }

        if (!Lenient)
        {
            foreach (var attribute in NeverEmpty)
            {
                if (Has(attribute) && Get(attribute).IsEmpty)
                {
                    return Broken(attribute, "is empty; leave it out or give it a value");
                }
            }
        }

        return Has(CoreAttribute.Time) && !TryCanonicalTime()
            ? Broken(CoreAttribute.Time, "is not an RFC 3339 date-time such as 2024-01-02T03:04:05Z")
            : null;
    }

    private bool TryCanonicalTime()
    {
        var text = Get(CoreAttribute.Time);
        if (!Timestamp.TryParse(text, Lenient, out var time))
        {
            return false;
        }

        byte[]? rented = null;
        var canonical = time.MaxLength <= 128 ? stackalloc byte[128] : rented = ArrayPool<byte>.Shared.Rent(time.MaxLength);
        canonical = canonical[..time.WriteCanonical(canonical)];
        if (!canonical.SequenceEqual(text))
        {
            _core[(int)CoreAttribute.Time] = new AttributeSlice(0, 0, Keep(canonical), canonical.Length, AttributeType.String);
        }

        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return true;
    }

    private EventError MapVersion03()
    {
        _mapped03 = true;
        var dataSchema = _core[(int)CoreAttribute.DataSchema];
        _core[(int)CoreAttribute.DataSchema] = AttributeSlice.Absent;
        var schemaUrl = IndexOfExtension(AttributeNames.SchemaUrl);
        if (schemaUrl >= 0)
        {
            _core[(int)CoreAttribute.DataSchema] = _extensions[schemaUrl];
            RemoveExtension(schemaUrl);
        }

        var encoding = IndexOfExtension(AttributeNames.DataContentEncoding);
        if (encoding >= 0)
        {
            RemoveExtension(encoding);
        }

        if (dataSchema.ValueLength < 0)
        {
            return EventError.None;
        }

        // The value is copied, for the text may move while it grows.
        Span<byte> value = new byte[dataSchema.ValueLength];
        Value(dataSchema).CopyTo(value);
        return SetExtension("dataschema"u8, value, AttributeType.String);
    }

    private EventError SetExtension(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, AttributeType type)
    {
        if (!AttributeNames.IsValid(name))
        {
            return EventError.Invalid($"The extension name '{Printable(name)}' may have only the letters a to z and digits.");
        }

        if (!Lenient && name.SequenceEqual("data"u8))
        {
            return EventError.Invalid("An extension must not be named 'data'.");
        }

        var index = IndexOfExtension(name);
        if (index >= 0)
        {
            if (!Lenient)
            {
                return Repeated(name);
            }

            _extensions[index] = _extensions[index] with { ValueStart = Keep(value), ValueLength = value.Length, Type = type };
            return EventError.None;
        }

        if (ExtensionCount == MaxExtensions)
        {
            return EventError.Invalid($"The event has more than {MaxExtensions} extensions.");
        }

        if (ExtensionCount == _extensions.Length)
        {
            Array.Resize(ref _extensions, _extensions.Length * 2);
        }

        _extensions[ExtensionCount++] = new AttributeSlice(Keep(name), name.Length, Keep(value), value.Length, type);
        return EventError.None;
    }

    /// <summary>Whether the event has an attribute or an extension of a name.</summary>
    internal bool Has(ReadOnlySpan<byte> name) => AttributeNames.TryGetCore(name, out var core) ? Has(core) : IndexOfExtension(name) >= 0;

    private void RemoveExtension(int index)
    {
        _extensions.AsSpan((index + 1)..ExtensionCount).CopyTo(_extensions.AsSpan(index));
        ExtensionCount--;
    }

    private int IndexOfExtension(ReadOnlySpan<byte> name)
    {
        var extensions = _extensions.AsSpan(0, ExtensionCount);
        for (var i = 0; i < extensions.Length; i++)
        {
            ref readonly var slice = ref extensions[i];
            if (slice.NameLength == name.Length && name.SequenceEqual(_text.AsSpan(slice.NameStart, slice.NameLength)))
            {
                return i;
            }
        }

        return -1;
    }

    private EventError? Broken(CoreAttribute attribute, string what) =>
        EventError.Invalid(
            $"The attribute '{Encoding.ASCII.GetString(AttributeNames.Of(attribute, Get(CoreAttribute.SpecVersion)))}' {what}."
        );

    /// <summary>An attribute is given a second time (CEC-04).</summary>
    internal static EventError Repeated(ReadOnlySpan<byte> name) =>
        EventError.Invalid($"The attribute '{Printable(name)}' is given more than once.");

    // Names come from strangers and end up in answers and logs.
    private static string Printable(ReadOnlySpan<byte> name)
    {
        var text = Encoding.UTF8.GetString(name.Length > 64 ? name[..64] : name);
        return string.Create(
            text.Length,
            text,
            static (to, from) =>
            {
                for (var i = 0; i < to.Length; i++)
                {
                    to[i] = from[i] is >= ' ' and <= '~' ? from[i] : '?';
                }
            }
        );
    }
}
