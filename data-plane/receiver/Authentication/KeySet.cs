using System.Text.Json;

namespace Brokkr.Receiver.Authentication;

/// <summary>What an issuer says about itself at one moment: its name and its keys. Immutable, apart from the tokens it has verified.</summary>
internal sealed class KeySet
{
    private readonly byte[] _source;
    private readonly SigningKey[] _keys;

    private KeySet(string issuer, byte[] source, SigningKey[] keys, IReadOnlyList<string> skipped, int remembered)
    {
        Issuer = issuer;
        _source = source;
        _keys = keys;
        Skipped = skipped;
        Verified = new VerifiedTokens(remembered);
    }

    /// <summary>What tokens must name as their issuer.</summary>
    public string Issuer { get; }

    /// <summary>Keys that are of use.</summary>
    public int Count => _keys.Length;

    /// <summary>Why other keys are of no use, a sentence each.</summary>
    public IReadOnlyList<string> Skipped { get; }

    /// <summary>Tokens that one of these keys has signed. They are forgotten with the keys, so that none outlives its own.</summary>
    public VerifiedTokens Verified { get; }

    /// <summary>Reads the issuer's JSON Web Key Set (RFC 7517 §5).</summary>
    /// <param name="issuer">Name of the issuer.</param>
    /// <param name="source">The document.</param>
    /// <param name="remembered">Verified tokens to remember.</param>
    /// <exception cref="JsonException">The document is not valid, or it has no key that is of use.</exception>
    public static KeySet Read(string issuer, byte[] source, int remembered)
    {
        using var document = JsonDocument.Parse(source);
        if (
            document.RootElement.ValueKind != JsonValueKind.Object
            || !document.RootElement.TryGetProperty("keys", out var list)
            || list.ValueKind != JsonValueKind.Array
        )
        {
            throw new JsonException("The set of keys has no list 'keys'.");
        }

        var keys = new List<SigningKey>();
        var skipped = new List<string>();
        foreach (var json in list.EnumerateArray())
        {
            if (SigningKey.Read(json, out var reason) is { } key)
            {
                keys.Add(key);
            }
            else
            {
                skipped.Add($"key {keys.Count + skipped.Count + 1} of {list.GetArrayLength()}: {reason}");
            }
        }

        return keys.Count == 0
            ? throw new JsonException($"The set of keys has none that is of use ({string.Join("; ", skipped)}).")
            : new KeySet(issuer, source, [.. keys], skipped, remembered);
    }

    /// <summary>Whether the issuer said the same another time.</summary>
    public bool IsSame(string issuer, ReadOnlySpan<byte> source) =>
        string.Equals(Issuer, issuer, StringComparison.Ordinal) && source.SequenceEqual(_source);

    /// <summary>Checks a signature.</summary>
    /// <param name="id">Name of the key; null if the token has none, then every key that fits is tried.</param>
    /// <param name="algorithm">How it was signed.</param>
    /// <param name="signature">The signature.</param>
    /// <param name="bytes">What was signed.</param>
    /// <returns>Whether a key signed it; null if there is no such key.</returns>
    public bool? IsSigned(string? id, SignatureAlgorithm algorithm, ReadOnlySpan<byte> signature, ReadOnlySpan<byte> bytes)
    {
        bool? signed = null;
        foreach (var key in _keys)
        {
            if ((id is null || string.Equals(key.Id, id, StringComparison.Ordinal)) && key.Fits(algorithm))
            {
                if (key.IsSignature(signature, bytes, algorithm))
                {
                    return true;
                }

                signed = false;
            }
        }

        return signed;
    }
}
