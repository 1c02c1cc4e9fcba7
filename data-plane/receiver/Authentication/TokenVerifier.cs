using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Brokkr.Receiver.Authentication;

/// <summary>What came out of looking at a token.</summary>
/// <param name="Token">Its claims; null if it does not count.</param>
/// <param name="Fault">What is wrong with it, for its sender; null if nothing is, or if nobody can say.</param>
internal readonly record struct TokenVerdict(VerifiedToken? Token, string? Fault)
{
    /// <summary>Whether nobody can say, because the issuer's keys are not there.</summary>
    public bool IsOpen => Token is null && Fault is null;
}

/// <summary>
/// Verifies the tokens of an issuer: JSON Web Tokens in the compact form, signed with a key pair (RFC 7515, 7518, 7519).
/// </summary>
/// <remarks>
/// Written on the cryptography of .NET instead of Microsoft.IdentityModel, which was tried: it took 7.5 MB more of a receiver that may have
/// 64 MB, threw away 27 kB for every token it refused (anybody can send those), and judges by the system's clock only.
/// </remarks>
internal sealed class TokenVerifier(IssuerKeys keys)
{
    /// <summary>Longer ones are refused unseen; the web server's limit of headers is usually lower.</summary>
    private const int LongestToken = 32 * 1024;

    private const string Shapeless = "The token is no JSON Web Token: it needs three parts of base64url, joined by dots.";
    private const string NoHeader = "The first part of the token is no JSON object that says how it was signed.";

    /// <summary>How the parts of a token are read: a member that stands there twice could mean one thing to us and another to others.</summary>
    public static JsonDocumentOptions Strict { get; } = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    /// <summary>Looks at a token. Usually this is a digest and a look-up; nothing is waited for unless the issuer may have new keys.</summary>
    public ValueTask<TokenVerdict> VerifyAsync(ReadOnlyMemory<char> token)
    {
        var set = keys.Current;
        return Verify(token.Span, set, out var unknownKey) is { IsOpen: false } verdict && !unknownKey
            ? new ValueTask<TokenVerdict>(verdict)
            : VerifyWithNewKeysAsync(token, set);
    }

    private async ValueTask<TokenVerdict> VerifyWithNewKeysAsync(ReadOnlyMemory<char> token, KeySet? stale)
    {
        await keys.RefreshAsync(stale);
        return Verify(token.Span, keys.Current, out _);
    }

    private static TokenVerdict Verify(ReadOnlySpan<char> token, KeySet? keys, out bool unknownKey)
    {
        unknownKey = false;
        if (token.Length > LongestToken || !Ascii.IsValid(token))
        {
            return Refused(Shapeless);
        }

        var rented = ArrayPool<byte>.Shared.Rent(token.Length);
        try
        {
            var bytes = rented.AsSpan(0, Encoding.ASCII.GetBytes(token, rented));
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(bytes, hash);
            var digest = TokenDigest.Of(hash);
            if (keys?.Verified.Find(digest) is { } known)
            {
                return new TokenVerdict(known, null);
            }

            var verdict = Verify(bytes, keys, out unknownKey);
            if (verdict.Token is { } verified)
            {
                keys!.Verified.Add(digest, verified);
            }

            return verdict;
        }
        finally
        {
            // Nobody who rents the array next shall find a token in it.
            ArrayPool<byte>.Shared.Return(rented, clearArray: true);
        }
    }

    private static TokenVerdict Verify(ReadOnlySpan<byte> token, KeySet? keys, out bool unknownKey)
    {
        unknownKey = false;
        var first = token.IndexOf((byte)'.');
        var last = token.LastIndexOf((byte)'.');
        if (
            first < 0
            || last == first
            || token[(first + 1)..last].Contains((byte)'.')
            || Decode(token[..first]) is not { } header
            || Decode(token[(first + 1)..last]) is not { } payload
            || Decode(token[(last + 1)..]) is not { } signature
        )
        {
            return Refused(Shapeless);
        }

        if (!TryReadHeader(header, out var name, out var id))
        {
            return Refused(NoHeader);
        }

        if (SignatureAlgorithm.Of(name) is not { } algorithm)
        {
            return Refused("The token is not signed in a way that counts here: RS, PS or ES with 256, 384 or 512.");
        }

        if (keys is null)
        {
            return default;
        }

        switch (keys.IsSigned(id, algorithm, signature, token[..last]))
        {
            case null:
                unknownKey = true;
                return Refused("The token is signed with a key that the issuer does not have.");
            case false:
                return Refused("The signature of the token is wrong.");
        }

        var verified = VerifiedToken.Read(payload, keys.Issuer, out var fault);
        return new TokenVerdict(verified, fault);
    }

    private static bool TryReadHeader(byte[] header, out string? algorithm, out string? id)
    {
        algorithm = null;
        id = null;

        // Most of what is no token at all ends here, without an exception.
        if (header is not [(byte)'{', .., (byte)'}'])
        {
            return false;
        }

        try
        {
            using var document = JsonDocument.Parse(header, Strict);

            // An extension that must be understood is not (RFC 7515 §4.1.11).
            var root = document.RootElement;
            if (root.TryGetProperty("crit", out _) || root.Text("alg") is not { } name)
            {
                return false;
            }

            algorithm = name;
            id = root.Text("kid");
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second is what a string with half a surrogate pair throws.
            return false;
        }
    }

    private static byte[]? Decode(ReadOnlySpan<byte> part)
    {
        if (!Base64Url.IsValid(part, out var length) || part.ContainsAnyExcept(Alphabet))
        {
            return null;
        }

        var decoded = new byte[length];
        return Base64Url.TryDecodeFromUtf8(part, decoded, out _) ? decoded : null;
    }

    private static TokenVerdict Refused(string fault) => new(null, fault);

    // No padding and no white space, which the decoder would forgive (RFC 7515 §2).
    private static readonly SearchValues<byte> Alphabet = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8
    );
}
