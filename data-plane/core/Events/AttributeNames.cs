namespace Brokkr.Core.Events;

/// <summary>Names of attributes as they stand in headers and JSON members, without a prefix.</summary>
public static class AttributeNames
{
    /// <summary>Extension that becomes the key of the record (CloudEvents partitioning extension).</summary>
    public static ReadOnlySpan<byte> PartitionKey => "partitionkey"u8;

    internal static ReadOnlySpan<byte> SchemaUrl => "schemaurl"u8;

    internal static ReadOnlySpan<byte> DataContentEncoding => "datacontentencoding"u8;

    /// <summary>Name of a core attribute: <see cref="CoreAttribute.DataSchema"/> is <c>schemaurl</c> in an event of specversion 0.3.</summary>
    /// <param name="attribute">The attribute.</param>
    /// <param name="specVersion">Value of the event's <c>specversion</c>.</param>
    public static ReadOnlySpan<byte> Of(CoreAttribute attribute, ReadOnlySpan<byte> specVersion) =>
        attribute switch
        {
            CoreAttribute.SpecVersion => "specversion"u8,
            CoreAttribute.Id => "id"u8,
            CoreAttribute.Source => "source"u8,
            CoreAttribute.Type => "type"u8,
            CoreAttribute.DataContentType => "datacontenttype"u8,
            CoreAttribute.DataSchema => IsVersion03(specVersion) ? SchemaUrl : "dataschema"u8,
            CoreAttribute.Subject => "subject"u8,
            _ => "time"u8,
        };

    /// <summary>Whether a <c>specversion</c> is one that is accepted: 1.0 or 0.3 (CEC-02).</summary>
    internal static bool IsKnownVersion(ReadOnlySpan<byte> specVersion) => specVersion.SequenceEqual("1.0"u8) || IsVersion03(specVersion);

    internal static bool IsVersion03(ReadOnlySpan<byte> specVersion) => specVersion.SequenceEqual("0.3"u8);

    /// <summary>Finds the core attribute of a name in specversion 1.0.</summary>
    internal static bool TryGetCore(ReadOnlySpan<byte> name, out CoreAttribute attribute)
    {
        attribute = default;
        switch (name.Length)
        {
            case 2:
                attribute = CoreAttribute.Id;
                return name.SequenceEqual("id"u8);
            case 4:
                attribute = name[1] == (byte)'y' ? CoreAttribute.Type : CoreAttribute.Time;
                return name.SequenceEqual("type"u8) || name.SequenceEqual("time"u8);
            case 6:
                attribute = CoreAttribute.Source;
                return name.SequenceEqual("source"u8);
            case 7:
                attribute = CoreAttribute.Subject;
                return name.SequenceEqual("subject"u8);
            case 10:
                attribute = CoreAttribute.DataSchema;
                return name.SequenceEqual("dataschema"u8);
            case 11:
                attribute = CoreAttribute.SpecVersion;
                return name.SequenceEqual("specversion"u8);
            case 15:
                attribute = CoreAttribute.DataContentType;
                return name.SequenceEqual("datacontenttype"u8);
            default:
                return false;
        }
    }

    /// <summary>Whether a name has only the characters that attribute names may have: <c>a</c>-<c>z</c> and digits (CEC-03).</summary>
    internal static bool IsValid(ReadOnlySpan<byte> name)
    {
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterLower((char)c) && !char.IsAsciiDigit((char)c))
            {
                return false;
            }
        }

        return name.Length > 0;
    }
}
