namespace Brokkr.Receiver.Tests.Fuzz;

/// <summary>Changes bytes without knowing what they mean.</summary>
internal static class Scramble
{
    private static ReadOnlySpan<byte> Telling => "\0\r\n\t :;,=%\"'\\/{}[]#?&+-.0159aAfFeEnx\x7F\x80\xBF\xC0\xE0\xED\xF4\xFF"u8;

    /// <summary>One to some changes: bits flipped, bytes replaced, inserted, removed, doubled or exchanged, the end cut off.</summary>
    public static byte[] Bytes(Dice dice, byte[] original)
    {
        var bytes = new List<byte>(original);
        for (var i = dice.Pick(1, 1, 1, 2, 3, 8); i > 0; i--)
        {
            Once(dice, bytes);
        }

        return [.. bytes];
    }

    private static void Once(Dice dice, List<byte> bytes)
    {
        if (bytes.Count == 0)
        {
            bytes.Add(Telling[dice.Below(Telling.Length)]);
            return;
        }

        var at = dice.Below(bytes.Count);
        var length = Math.Min(dice.Pick(1, 1, 2, 5, 40), bytes.Count - at);
        switch (dice.Below(9))
        {
            case 0:
                bytes[at] ^= (byte)(1 << dice.Below(8));
                break;
            case 1:
                bytes[at] = (byte)dice.Below(256);
                break;
            case 2:
                bytes[at] = Telling[dice.Below(Telling.Length)];
                break;
            case 3:
                bytes.Insert(at, Telling[dice.Below(Telling.Length)]);
                break;
            case 4:
                bytes.InsertRange(at, dice.Bytes(dice.Between(1, 4)));
                break;
            case 5:
                bytes.RemoveRange(at, length);
                break;
            case 6:
                bytes.InsertRange(dice.Below(bytes.Count), bytes.GetRange(at, length));
                break;
            case 7:
                var other = dice.Below(bytes.Count);
                (bytes[at], bytes[other]) = (bytes[other], bytes[at]);
                break;
            default:
                if (dice.OneIn(4))
                {
                    bytes.RemoveRange(at, bytes.Count - at);
                }
                else
                {
                    bytes[at]++;
                }

                break;
        }
    }
}
