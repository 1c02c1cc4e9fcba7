using System.Collections.Concurrent;

namespace Brokkr.Receiver.Authentication;

/// <summary>
/// Remembers verified tokens by their digest, so that a sender's token costs one check of its signature and is itself not kept. Bounded: when as
/// many have come as are to be remembered, those that were not used since the last time that happened are forgotten.
/// </summary>
internal sealed class VerifiedTokens(int capacity)
{
    private readonly Lock _lock = new();
    private volatile ConcurrentDictionary<TokenDigest, VerifiedToken> _recent = new();
    private volatile ConcurrentDictionary<TokenDigest, VerifiedToken> _older = new();
    private int _count;

    /// <summary>Tokens that are remembered.</summary>
    public int Count => _recent.Count + _older.Count;

    /// <summary>Finds a token.</summary>
    /// <param name="digest">Its digest.</param>
    public VerifiedToken? Find(TokenDigest digest)
    {
        if (_recent.TryGetValue(digest, out var token))
        {
            return token;
        }

        if (_older.TryGetValue(digest, out token))
        {
            Add(digest, token);
        }

        return token;
    }

    /// <summary>Remembers a token.</summary>
    public void Add(TokenDigest digest, VerifiedToken token)
    {
        lock (_lock)
        {
            if (_count >= capacity)
            {
                _older = _recent;
                _recent = new();
                _count = 0;
            }

            if (_recent.TryAdd(digest, token))
            {
                _count++;
            }
        }
    }
}

/// <summary>A digest of 32 bytes.</summary>
internal readonly record struct TokenDigest(ulong A, ulong B, ulong C, ulong D)
{
    /// <summary>Takes 32 bytes.</summary>
    public static TokenDigest Of(ReadOnlySpan<byte> bytes) =>
        new(
            BitConverter.ToUInt64(bytes),
            BitConverter.ToUInt64(bytes[8..]),
            BitConverter.ToUInt64(bytes[16..]),
            BitConverter.ToUInt64(bytes[24..])
        );
}
