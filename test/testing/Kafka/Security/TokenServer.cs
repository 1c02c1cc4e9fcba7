using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Brokkr.Testing.Http;

namespace Brokkr.Testing.Kafka.Security;

/// <summary>
/// A token endpoint for client <see cref="Id"/>. <c>/token</c> gives tokens of ten minutes to whoever shows the secret in the header, <c>/brief</c> those of
/// four seconds, <c>/body</c> wants the secret in the body, and the tokens of <c>/forged</c> are signed by somebody else.
/// </summary>
public sealed class TokenServer : IAsyncDisposable
{
    /// <summary>The client's id.</summary>
    public const string Id = "brokkr oauth";

    /// <summary>The client's secret.</summary>
    public const string Secret = "s3cret+/=:ü";

    /// <summary>Whom the tokens are for.</summary>
    public const string Audience = "kafka";

    private readonly Subscriber _server;
    private readonly RSA _key = RSA.Create(2048);
    private readonly RSA _forged = RSA.Create(2048);
    private int _serial;

    private TokenServer(Subscriber server) => _server = server;

    /// <summary>The endpoint's address without a path.</summary>
    public string Url => _server.Url;

    /// <summary>The keys that tokens are signed by, as a JWK set.</summary>
    public string Keys
    {
        get
        {
            var key = _key.ExportParameters(includePrivateParameters: false);
            return JsonSerializer.Serialize(
                new
                {
                    keys = new[]
                    {
                        new
                        {
                            kty = "RSA",
                            use = "sig",
                            alg = "RS256",
                            kid = "one",
                            n = Base64Url.EncodeToString(key.Modulus),
                            e = Base64Url.EncodeToString(key.Exponent),
                        },
                    },
                }
            );
        }
    }

    /// <summary>Starts one.</summary>
    public static async Task<TokenServer> StartAsync()
    {
        var server = new TokenServer(await Subscriber.StartAsync());
        server._server.Otherwise(server.Give);
        return server;
    }

    /// <summary>Requests so far with this path.</summary>
    public IReadOnlyList<ReceivedRequest> At(string path) => _server.At(path);

    /// <summary>Scripts the answers of a path.</summary>
    public void OnPath(string path, params Answer[] answers) => _server.OnPath(path, answers);

    /// <summary>An answer of JSON text.</summary>
    public static Answer Json(int status, string text) =>
        Answer.Status(status) with
        {
            Headers = [("content-type", "application/json")],
            Body = Encoding.UTF8.GetBytes(text),
        };

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _key.Dispose();
        _forged.Dispose();
    }

    private Answer Give(ReceivedRequest request)
    {
        var form = Encoding
            .UTF8.GetString(request.Body.Span)
            .Split('&')
            .Select(static pair => pair.Split('=', 2))
            .ToDictionary(static pair => pair[0], static pair => WebUtility.UrlDecode(pair[1]), StringComparer.Ordinal);
        var inBody = form.GetValueOrDefault("client_id") == Id && form.GetValueOrDefault("client_secret") == Secret;
        var pair = $"{Uri.EscapeDataString(Id)}:{Uri.EscapeDataString(Secret)}";
        var inHeader =
            request.Headers.GetValueOrDefault("authorization") == "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(pair));
        if (request.Method != "POST" || form.GetValueOrDefault("grant_type") != "client_credentials")
        {
            return Json(400, """{"error":"unsupported_grant_type"}""");
        }

        if (!(request.Path == "/body" ? inBody : inHeader))
        {
            return Json(401, """{"error":"invalid_client","error_description":"no such client or secret"}""");
        }

        var life = request.Path == "/brief" ? 4 : 600;
        var token = Token(request.Path == "/forged" ? _forged : _key, life, form.GetValueOrDefault("scope"));
        return Json(200, $$"""{"access_token":"{{token}}","token_type":"Bearer","expires_in":{{life}}}""");
    }

    private string Token(RSA key, int life, string? scope)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var head = """{"alg":"RS256","typ":"JWT","kid":"one"}""";
        var claims = JsonSerializer.Serialize(
            new
            {
                iss = Url,
                sub = Id,
                aud = Audience,
                iat = now,
                exp = now + life,
                jti = $"{Interlocked.Increment(ref _serial)}",
                scope = scope ?? "all",
            }
        );
        var text = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(head))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}";
        var signature = key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return $"{text}.{Base64Url.EncodeToString(signature)}";
    }
}
