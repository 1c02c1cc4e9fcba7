using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Brokkr.Receiver.Tests.Authentication;

/// <summary>A key pair of an issuer. It signs as the standards say, by hand, so that it checks the verifier and not itself.</summary>
internal sealed class TestKey
{
    private readonly RSA? _rsa;
    private readonly ECDsa? _ec;

    public TestKey(string id, string algorithm = "RS256", int rsaBits = 2048)
    {
        Id = id;
        Algorithm = algorithm;
        if (algorithm.StartsWith("ES", StringComparison.Ordinal))
        {
            _ec = ECDsa.Create(Curve);
        }
        else
        {
            _rsa = RSA.Create(rsaBits);
        }
    }

    public string Id { get; }

    public string Algorithm { get; }

    private HashAlgorithmName Hash => new("SHA" + Algorithm[2..]);

    private ECCurve Curve =>
        Algorithm switch
        {
            "ES256" => ECCurve.NamedCurves.nistP256,
            "ES384" => ECCurve.NamedCurves.nistP384,
            _ => ECCurve.NamedCurves.nistP521,
        };

    /// <summary>The public key as a member of a key set.</summary>
    public JsonObject ToJson()
    {
        var json = new JsonObject
        {
            ["kid"] = Id,
            ["use"] = "sig",
            ["alg"] = Algorithm,
        };
        if (_rsa is not null)
        {
            var rsa = _rsa.ExportParameters(includePrivateParameters: false);
            json["kty"] = "RSA";
            json["n"] = Base64Url.EncodeToString(rsa.Modulus);
            json["e"] = Base64Url.EncodeToString(rsa.Exponent);
            return json;
        }

        var ec = _ec!.ExportParameters(includePrivateParameters: false);
        json["kty"] = "EC";
        json["crv"] = Algorithm == "ES512" ? "P-521" : "P-" + Algorithm[2..];
        json["x"] = Base64Url.EncodeToString(ec.Q.X);
        json["y"] = Base64Url.EncodeToString(ec.Q.Y);
        return json;
    }

    /// <summary>A token with these claims.</summary>
    public string Sign(JsonObject claims, JsonObject? header = null) => Sign(claims.ToJsonString(), header?.ToJsonString());

    /// <summary>A token whose parts are whatever the test wants.</summary>
    public string Sign(string claims, string? header = null)
    {
        header ??= $$"""{"alg":"{{Algorithm}}","kid":"{{Id}}","typ":"JWT"}""";
        var signed = $"{Part(header)}.{Part(claims)}";
        return $"{signed}.{Base64Url.EncodeToString(Sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    /// <summary>A token in which the public key serves as a shared secret, an old trick.</summary>
    public string SignWithPublicKey(JsonObject claims)
    {
        var signed = $"{Part($$"""{"alg":"HS256","kid":"{{Id}}"}""")}.{Part(claims.ToJsonString())}";
        var secret = Encoding.ASCII.GetBytes(_rsa!.ExportSubjectPublicKeyInfoPem());
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(signed)))}";
    }

    public static string Part(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    private byte[] Sign(byte[] bytes) =>
        _rsa is null
            ? _ec!.SignData(bytes, Hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)
            : _rsa.SignData(bytes, Hash, Algorithm[0] == 'P' ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1);
}
