using System.Security.Cryptography;

namespace Brokkr.Receiver.Authentication;

/// <summary>
/// A way to sign with a key pair (RFC 7518 §3). There is none without a signature and none with a shared secret, so tokens that ask for those
/// name an algorithm that does not exist here.
/// </summary>
/// <param name="Name">Its name in tokens and keys.</param>
/// <param name="Hash">What is signed is hashed with this.</param>
/// <param name="Padding">Padding of an RSA signature; null for elliptic curves.</param>
/// <param name="FieldBits">Size of the curve's field; 0 for RSA.</param>
internal sealed record SignatureAlgorithm(string Name, HashAlgorithmName Hash, RSASignaturePadding? Padding, int FieldBits)
{
    private static readonly SignatureAlgorithm[] All =
    [
        new("RS256", HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1, 0),
        new("RS384", HashAlgorithmName.SHA384, RSASignaturePadding.Pkcs1, 0),
        new("RS512", HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1, 0),
        new("PS256", HashAlgorithmName.SHA256, RSASignaturePadding.Pss, 0),
        new("PS384", HashAlgorithmName.SHA384, RSASignaturePadding.Pss, 0),
        new("PS512", HashAlgorithmName.SHA512, RSASignaturePadding.Pss, 0),
        new("ES256", HashAlgorithmName.SHA256, null, 256),
        new("ES384", HashAlgorithmName.SHA384, null, 384),
        new("ES512", HashAlgorithmName.SHA512, null, 521),
    ];

    /// <summary>The algorithm of a name, which is case-sensitive; null if it is not supported.</summary>
    public static SignatureAlgorithm? Of(string? name) =>
        Array.Find(All, algorithm => string.Equals(algorithm.Name, name, StringComparison.Ordinal));
}
