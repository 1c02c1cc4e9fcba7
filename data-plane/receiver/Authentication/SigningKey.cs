using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace Brokkr.Receiver.Authentication;

/// <summary>A public key of the issuer. It is used for the algorithms that fit it only, whatever a token says.</summary>
internal sealed class SigningKey
{
    /// <summary>Shorter RSA keys are not to be trusted (RFC 7518 §3.3).</summary>
    private const int LeastRsaBits = 2048;

    private readonly Lock _lock = new();
    private readonly RSA? _rsa;
    private readonly ECDsa? _ec;
    private readonly int _fieldBits;
    private readonly string? _algorithm;

    private SigningKey(string? id, string? algorithm, RSA? rsa, ECDsa? ec, int fieldBits)
    {
        Id = id;
        _algorithm = algorithm;
        _rsa = rsa;
        _ec = ec;
        _fieldBits = fieldBits;
    }

    /// <summary>Name of the key in the headers of tokens; null if it has none.</summary>
    public string? Id { get; }

    /// <summary>Reads a key of a set (RFC 7517 §4).</summary>
    /// <param name="json">The key.</param>
    /// <param name="reason">Why it is of no use; null if it is.</param>
    /// <returns>Null if it is of no use.</returns>
    public static SigningKey? Read(JsonElement json, out string? reason)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            reason = "it is no object";
            return null;
        }

        if (json.Text("use") is { } use && !string.Equals(use, "sig", StringComparison.Ordinal))
        {
            reason = "it is not meant for signatures";
            return null;
        }

        try
        {
            return json.Text("kty") switch
            {
                "RSA" => ReadRsa(json, out reason),
                "EC" => ReadCurve(json, out reason),
                _ => Not("its type is neither RSA nor EC", out reason),
            };
        }
        catch (Exception e) when (e is CryptographicException or FormatException)
        {
            return Not($"its numbers are not valid: {e.Message}", out reason);
        }
    }

    /// <summary>Whether the key may be used with an algorithm.</summary>
    public bool Fits(SignatureAlgorithm algorithm) =>
        (_algorithm is null || string.Equals(_algorithm, algorithm.Name, StringComparison.Ordinal))
        && (algorithm.Padding is null ? _ec is not null && _fieldBits == algorithm.FieldBits : _rsa is not null);

    /// <summary>Whether a signature is that of this key over some bytes. The key <see cref="Fits"/> the algorithm.</summary>
    public bool IsSignature(ReadOnlySpan<byte> signature, ReadOnlySpan<byte> bytes, SignatureAlgorithm algorithm)
    {
        // Instances are not documented to be safe for several threads at once.
        lock (_lock)
        {
            try
            {
                return _rsa is not null
                    ? signature.Length == (_rsa.KeySize + 7) / 8 && _rsa.VerifyData(bytes, signature, algorithm.Hash, algorithm.Padding!)
                    : signature.Length == (_fieldBits + 7) / 8 * 2
                        && _ec!.VerifyData(bytes, signature, algorithm.Hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
            }
            catch (CryptographicException)
            {
                // A signature whose numbers are out of the key's range is none.
                return false;
            }
        }
    }

    private static SigningKey? ReadRsa(JsonElement json, out string? reason)
    {
        if (Number(json, "n") is not { } modulus || Number(json, "e") is not { } exponent)
        {
            return Not("it has no modulus or no exponent", out reason);
        }

        var rsa = RSA.Create(new RSAParameters { Modulus = modulus, Exponent = exponent });
        if (rsa.KeySize < LeastRsaBits)
        {
            rsa.Dispose();
            return Not($"it has less than {LeastRsaBits} bits", out reason);
        }

        reason = null;
        return new SigningKey(json.Text("kid"), json.Text("alg"), rsa, null, 0);
    }

    private static SigningKey? ReadCurve(JsonElement json, out string? reason)
    {
        var (curve, bits) = json.Text("crv") switch
        {
            "P-256" => (ECCurve.NamedCurves.nistP256, 256),
            "P-384" => (ECCurve.NamedCurves.nistP384, 384),
            "P-521" => (ECCurve.NamedCurves.nistP521, 521),
            _ => (default, 0),
        };
        if (bits == 0)
        {
            return Not("its curve is not supported", out reason);
        }

        if (json.Text("x") is not { } x || json.Text("y") is not { } y)
        {
            return Not("it has no point", out reason);
        }

        var point = new ECPoint { X = Base64Url.DecodeFromChars(x), Y = Base64Url.DecodeFromChars(y) };
        var ec = ECDsa.Create(new ECParameters { Curve = curve, Q = point });
        reason = null;
        return new SigningKey(json.Text("kid"), json.Text("alg"), null, ec, bits);
    }

    private static SigningKey? Not(string why, out string? reason)
    {
        reason = why;
        return null;
    }

    /// <summary>A whole number; issuers that prepend zeros to it are forgiven.</summary>
    private static byte[]? Number(JsonElement json, string name) =>
        json.Text(name) is { } text && Base64Url.DecodeFromChars(text).AsSpan().TrimStart((byte)0) is { IsEmpty: false } bytes
            ? bytes.ToArray()
            : null;
}
