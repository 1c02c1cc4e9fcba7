using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Brokkr.Kafka.Groups;

/// <summary>
/// The client's side of one login by SCRAM (RFC 5802, RFC 7677) without channel binding. As the brokers do, it takes names and passwords as they are
/// (no SASLprep).
/// </summary>
internal sealed class ScramLogin(string mechanism, string user, string password, string nonce)
{
    public const string Sha256 = "SCRAM-SHA-256";
    public const string Sha512 = "SCRAM-SHA-512";

    /// <summary>Far above what brokers use (4096 to 16384), and still done in a second.</summary>
    private const int MaxIterations = 1_000_000;

    private const string NoBinding = "n,,";

    private readonly HashAlgorithmName _hash = mechanism is Sha512 ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256;
    private readonly string _firstBare = $"n={Escape(user)},r={nonce}";
    private byte[] _expected = [];

    /// <summary>A login with a fresh nonce.</summary>
    public ScramLogin(SaslCredentials credentials)
        : this(credentials.Mechanism, credentials.User, credentials.Password, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24)))
    { }

    /// <summary>The first message.</summary>
    public byte[] First() => Encoding.UTF8.GetBytes(NoBinding + _firstBare);

    /// <summary>The second message, from the server's answer to the first.</summary>
    /// <exception cref="ProtocolException">The answer is not one.</exception>
    public byte[] Second(ReadOnlySpan<byte> answer)
    {
        var text = Encoding.UTF8.GetString(answer);
        var parts = text.Split(',');
        if (
            parts.Length < 3
            || !parts[0].StartsWith("r=" + nonce, StringComparison.Ordinal)
            || parts[0].Length <= 2 + nonce.Length
            || !TryBase64(parts[1], "s=", out var salt)
            || salt.Length == 0
            || !parts[2].StartsWith("i=", StringComparison.Ordinal)
            || !int.TryParse(parts[2].AsSpan(2), NumberStyles.None, CultureInfo.InvariantCulture, out var iterations)
            || iterations is < 1 or > MaxIterations
        )
        {
            throw new ProtocolException("the broker's first SCRAM message is not valid");
        }

        var size = _hash == HashAlgorithmName.SHA512 ? SHA512.HashSizeInBytes : SHA256.HashSizeInBytes;
        var salted = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(password), salt, iterations, _hash, size);
        var clientKey = Hmac(salted, "Client Key"u8);
        var storedKey = CryptographicOperations.HashData(_hash, clientKey);
        var withoutProof = $"c={Convert.ToBase64String(Encoding.UTF8.GetBytes(NoBinding))},{parts[0]}";
        var signed = Encoding.UTF8.GetBytes($"{_firstBare},{text},{withoutProof}");
        var proof = Hmac(storedKey, signed);
        for (var i = 0; i < proof.Length; i++)
        {
            proof[i] ^= clientKey[i];
        }

        _expected = Hmac(Hmac(salted, "Server Key"u8), signed);
        return Encoding.UTF8.GetBytes($"{withoutProof},p={Convert.ToBase64String(proof)}");
    }

    /// <summary>Checks the server's last message: whether it knows the password too.</summary>
    /// <exception cref="ProtocolException">It does not.</exception>
    public void Verify(ReadOnlySpan<byte> answer)
    {
        var first = Encoding.UTF8.GetString(answer).Split(',')[0];
        if (
            _expected.Length == 0
            || !TryBase64(first, "v=", out var signature)
            || !CryptographicOperations.FixedTimeEquals(signature, _expected)
        )
        {
            throw new ProtocolException("the broker did not prove that it knows the password");
        }
    }

    private static string Escape(string name) =>
        name.Replace("=", "=3D", StringComparison.Ordinal).Replace(",", "=2C", StringComparison.Ordinal);

    private static bool TryBase64(string part, string prefix, out byte[] bytes)
    {
        bytes = [];
        if (!part.StartsWith(prefix, StringComparison.Ordinal))
        {
            return false;
        }

        var decoded = new byte[part.Length];
        if (!Convert.TryFromBase64Chars(part.AsSpan(prefix.Length), decoded, out var written))
        {
            return false;
        }

        bytes = decoded[..written];
        return true;
    }

    private byte[] Hmac(byte[] key, ReadOnlySpan<byte> text) => CryptographicOperations.HmacData(_hash, key, text);
}
