using System.Text;
using Brokkr.Core.Log;
using CsCheck;

namespace Brokkr.Core.Tests.Log;

/// <summary>The hash must be that of the Java client, or keyed records land on other partitions than before (receiver-and-core §8.1).</summary>
public sealed class Murmur2Tests
{
    [Theory]
    [InlineData("21", -973932308)]
    [InlineData("foobar", -790332482)]
    [InlineData("a-little-bit-long-string", -985981536)]
    [InlineData("a-little-bit-longer-string", -1486304829)]
    [InlineData("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971)]
    [InlineData("abc", 479470107)]
    public void Hashes_as_the_Java_client_does(string text, int expected) =>
        Assert.Equal(expected, unchecked((int)Murmur2.Hash(Encoding.UTF8.GetBytes(text))));

    [Fact]
    public void The_partition_of_a_negative_hash_is_counted_from_its_lower_31_bits()
    {
        Assert.Equal((-973932308 & 0x7fffffff) % 10, Murmur2.PartitionOf("21"u8, 10));
    }

    [Fact]
    public void Every_key_has_a_partition_that_exists()
    {
        Gen.Select(Gen.Byte.Array[0, 64], Gen.Int[1, 100])
            .Sample((key, partitions) => Murmur2.PartitionOf(key, partitions) is >= 0 and var p && p < partitions);
    }

    [Fact]
    public void An_empty_key_is_a_key()
    {
        Assert.Equal(275646681u, Murmur2.Hash([]));
    }
}
