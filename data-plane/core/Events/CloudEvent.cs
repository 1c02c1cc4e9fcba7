namespace Brokkr.Core.Events;

/// <summary>The context attributes that CloudEvents defines. <c>schemaurl</c> of specversion 0.3 is <see cref="DataSchema"/>.</summary>
public enum CoreAttribute
{
    /// <summary><c>specversion</c>: 1.0 or 0.3.</summary>
    SpecVersion,

    /// <summary><c>id</c>.</summary>
    Id,

    /// <summary><c>source</c>.</summary>
    Source,

    /// <summary><c>type</c>.</summary>
    Type,

    /// <summary><c>datacontenttype</c>; <c>content-type</c> in headers.</summary>
    DataContentType,

    /// <summary><c>dataschema</c>, or <c>schemaurl</c> of specversion 0.3.</summary>
    DataSchema,

    /// <summary><c>subject</c>.</summary>
    Subject,

    /// <summary><c>time</c>, as text.</summary>
    Time,
}

/// <summary>Type of an attribute value, as far as the way in told it. In headers everything is a string.</summary>
public enum AttributeType : byte
{
    /// <summary>Text.</summary>
    String,

    /// <summary>JSON <c>true</c> or <c>false</c>.</summary>
    Boolean,

    /// <summary>A JSON number in the range of a 32-bit signed integer.</summary>
    Integer,
}

/// <summary>What the bytes of an event's data are.</summary>
public enum DataForm : byte
{
    /// <summary>No data at all; not the same as zero bytes.</summary>
    None,

    /// <summary>Bytes as they came.</summary>
    Bytes,

    /// <summary>The text of a JSON value that stood in <c>data</c> of a structured event.</summary>
    Json,
}

/// <summary>Where an attribute lies in an event's block.</summary>
/// <param name="NameStart">First byte of the lower-case name; unused for core attributes.</param>
/// <param name="NameLength">Bytes of the name.</param>
/// <param name="ValueStart">First byte of the UTF-8 value, in its canonical string form.</param>
/// <param name="ValueLength">Bytes of the value; -1 when the attribute is absent.</param>
/// <param name="Type">Type of the value.</param>
public readonly record struct AttributeSlice(int NameStart, int NameLength, int ValueStart, int ValueLength, AttributeType Type)
{
    /// <summary>An attribute that the event does not have.</summary>
    public static AttributeSlice Absent => new(0, 0, 0, -1, AttributeType.String);
}

/// <summary>
/// A decoded event: attributes as slices of one block of bytes, never as strings. Immutable; shared by all Triggers of a partition.
/// The block is that of the record it was decoded from wherever possible, so decoding a binary-mode record copies nothing.
/// </summary>
public sealed class CloudEvent : IEventAttributes
{
    /// <summary>Number of core attributes.</summary>
    public const int CoreCount = 8;

    private readonly byte[] _block;
    private readonly AttributeSlice[] _core;
    private readonly AttributeSlice[] _extensions;

    /// <summary>Wraps slices of a block that is not written again.</summary>
    /// <param name="block">Holds names and values of the attributes.</param>
    /// <param name="core">One slice for each <see cref="CoreAttribute"/>, in their order.</param>
    /// <param name="extensions">The extensions, in the order in which they came.</param>
    /// <param name="data">The data; empty if there is none.</param>
    /// <param name="form">What the data is.</param>
    public CloudEvent(byte[] block, AttributeSlice[] core, AttributeSlice[] extensions, ReadOnlyMemory<byte> data, DataForm form)
    {
        _block = block;
        _core = core;
        _extensions = extensions;
        Data = data;
        Form = form;
    }

    /// <summary>The data; empty if there is none.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>What the data is.</summary>
    public DataForm Form { get; }

    /// <summary>Number of extensions.</summary>
    public int ExtensionCount => _extensions.Length;

    /// <summary>Whether the event has an attribute. A present attribute may be empty.</summary>
    public bool Has(CoreAttribute attribute) => _core[(int)attribute].ValueLength >= 0;

    /// <summary>Value of an attribute as UTF-8; empty if absent.</summary>
    public ReadOnlySpan<byte> Get(CoreAttribute attribute) => Value(_core[(int)attribute]);

    /// <summary>Name of an extension, lower case.</summary>
    public ReadOnlySpan<byte> ExtensionName(int index) => _block.AsSpan(_extensions[index].NameStart, _extensions[index].NameLength);

    /// <summary>Value of an extension, in its canonical string form as UTF-8.</summary>
    public ReadOnlySpan<byte> ExtensionValue(int index) => Value(_extensions[index]);

    /// <summary>Type of an extension.</summary>
    public AttributeType ExtensionType(int index) => _extensions[index].Type;

    /// <summary>Finds an extension by its lower-case name.</summary>
    /// <returns>Whether the event has it.</returns>
    public bool TryGetExtension(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value) => TryGetExtension(name, out value, out _);

    /// <summary>Finds an extension, and its type, by its lower-case name.</summary>
    /// <returns>Whether the event has it.</returns>
    public bool TryGetExtension(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value, out AttributeType type)
    {
        foreach (ref readonly var slice in _extensions.AsSpan())
        {
            if (slice.NameLength == name.Length && name.SequenceEqual(_block.AsSpan(slice.NameStart, slice.NameLength)))
            {
                value = Value(slice);
                type = slice.Type;
                return true;
            }
        }

        value = default;
        type = default;
        return false;
    }

    /// <summary>
    /// This event in specversion 1.0, in which dead letters are sent (dispatcher §9): itself, or a copy whose <c>schemaurl</c> is called
    /// <c>dataschema</c>.
    /// </summary>
    public CloudEvent ToVersion10()
    {
        if (!AttributeNames.IsVersion03(Get(CoreAttribute.SpecVersion)))
        {
            return this;
        }

        var version = "1.0"u8;
        var block = new byte[_block.Length + version.Length];
        _block.CopyTo(block, 0);
        version.CopyTo(block.AsSpan(_block.Length));
        AttributeSlice[] core = [.. _core];
        core[(int)CoreAttribute.SpecVersion] = new AttributeSlice(0, 0, _block.Length, version.Length, AttributeType.String);

        // What 0.3 allows as an extension may be an attribute of 1.0, which the schema then is.
        var extensions = Array.FindAll(_extensions, e => !AttributeNames.TryGetCore(block.AsSpan(e.NameStart, e.NameLength), out _));
        return new CloudEvent(block, core, extensions, Data, Form);
    }

    private ReadOnlySpan<byte> Value(in AttributeSlice slice) =>
        slice.ValueLength > 0 ? _block.AsSpan(slice.ValueStart, slice.ValueLength) : default;
}
