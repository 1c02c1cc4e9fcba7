using System.Runtime.InteropServices;

namespace Brokkr.Kafka.Native;

/// <summary>A message as librdkafka hands it out, for a delivery report or a fetched record.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct Message
{
    public int Error;
    public nint Topic;
    public int Partition;
    public byte* Payload;
    public nuint Length;
    public byte* Key;
    public nuint KeyLength;
    public long Offset;
    public nint Private;
}

/// <summary>One argument of <see cref="Rd.Produce"/>: a type and a union padded to 64 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 72)]
internal unsafe struct Argument
{
    [FieldOffset(0)]
    public ArgumentKind Kind;

    [FieldOffset(8)]
    public nint Pointer;

    [FieldOffset(8)]
    public int Number;

    [FieldOffset(16)]
    public nuint Size;

    [FieldOffset(16)]
    public nint HeaderValue;

    [FieldOffset(24)]
    public nint HeaderSize;
}

/// <summary>What an <see cref="Argument"/> holds.</summary>
internal enum ArgumentKind
{
    Topic = 2,
    Value = 4,
    Key = 5,
    Opaque = 6,
    MessageFlags = 7,
    Header = 9,
}

/// <summary>A list of partitions.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct PartitionList
{
    public int Count;
    public int Size;
    public PartitionEntry* Entries;
}

/// <summary>A partition with an offset, and metadata when it comes from or goes to a group.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct PartitionEntry
{
    public byte* Topic;
    public int Partition;
    public long Offset;
    public byte* Metadata;
    public nuint MetadataSize;
    public nint Opaque;
    public int Error;
    public nint Private;
}
