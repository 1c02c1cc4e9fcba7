namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>Numbers that only look random: the same seed gives the same ones on every machine and in every version of .NET.</summary>
internal sealed class Dice(ulong seed)
{
    private const ulong Step = 0x9E3779B97F4A7C15;
    private ulong _state = seed;

    /// <summary>The seed of one of many things that come from one seed.</summary>
    public static ulong SeedOf(ulong seed, int number) => Mix(seed ^ Mix(((ulong)number + 1) * Step));

    public int Below(int end) => (int)(((Next() >> 32) * (ulong)end) >> 32);

    public int Between(int least, int most) => least + Below(most - least + 1);

    public bool OneIn(int chances) => Below(chances) == 0;

    public T Pick<T>(params ReadOnlySpan<T> some) => some[Below(some.Length)];

    public byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        for (var i = 0; i < count; i += 8)
        {
            var eight = Next();
            for (var j = i; j < Math.Min(i + 8, count); j++, eight >>= 8)
            {
                bytes[j] = (byte)eight;
            }
        }

        return bytes;
    }

    public void Shuffle<T>(List<T> list)
    {
        for (var i = list.Count - 1; i > 0; i--)
        {
            var j = Below(i + 1);
            (list[i], list[j]) = (list[j], list[i]);
        }
    }

    private ulong Next() => Mix(_state += Step);

    // SplitMix64.
    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
