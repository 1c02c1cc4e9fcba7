using System.Buffers.Binary;

namespace Brokkr.Core.Log;

/// <summary>The hash by which the Java client chooses the partition of a keyed record (receiver-and-core §8.1).</summary>
public static class Murmur2
{
    private const uint Multiplier = 0x5bd1e995;
    private const int Rotation = 24;

    /// <summary>The partition of a key.</summary>
    /// <param name="key">The record key; may be empty.</param>
    /// <param name="partitions">Number of partitions; at least 1.</param>
    public static int PartitionOf(ReadOnlySpan<byte> key, int partitions) => (int)(Hash(key) & 0x7fffffff) % partitions;

    /// <summary>The 32-bit hash.</summary>
    public static uint Hash(ReadOnlySpan<byte> data)
    {
        var hash = 0x9747b28c ^ (uint)data.Length;
        var rest = data;
        while (rest.Length >= 4)
        {
            var word = BinaryPrimitives.ReadUInt32LittleEndian(rest) * Multiplier;
            word = (word ^ (word >> Rotation)) * Multiplier;
            hash = (hash * Multiplier) ^ word;
            rest = rest[4..];
        }

        if (rest.Length > 0)
        {
            uint tail = 0;
            for (var i = rest.Length - 1; i >= 0; i--)
            {
                tail = (tail << 8) | rest[i];
            }

            hash = (hash ^ tail) * Multiplier;
        }

        hash = (hash ^ (hash >> 13)) * Multiplier;
        return hash ^ (hash >> 15);
    }
}
