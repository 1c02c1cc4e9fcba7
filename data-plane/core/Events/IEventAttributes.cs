namespace Brokkr.Core.Events;

/// <summary>The attributes of an event, built or decoded; lets one writer serve both.</summary>
internal interface IEventAttributes
{
    bool Has(CoreAttribute attribute);

    ReadOnlySpan<byte> Get(CoreAttribute attribute);

    int ExtensionCount { get; }

    ReadOnlySpan<byte> ExtensionName(int index);

    ReadOnlySpan<byte> ExtensionValue(int index);

    AttributeType ExtensionType(int index);
}
