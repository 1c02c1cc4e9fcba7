using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Brokkr.Core;
using Brokkr.Core.Log;
using Brokkr.Core.Tls;
using Brokkr.Core.Tokens;

namespace Brokkr.Kafka.Tokens;

/// <summary>
/// Gets tokens from the token endpoint of an OpenID Connect provider by the client credentials grant (RFC 6749 §4.4). The client shows its secret in the
/// header; to a provider that does not take it there, in the body.
/// </summary>
internal sealed class TokenEndpoint : ITokenIssuer
{
    private const int MaxAnswerBytes = 1024 * 1024;
    private const int MaxShown = 200;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>For a token that does not say when it ends.</summary>
    private static readonly TimeSpan DefaultLife = TimeSpan.FromMinutes(5);

    private readonly ClientCredentials _credentials;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;
    private bool _secretInBody;

    /// <exception cref="LogConfigurationException">The given certificates cannot be read.</exception>
    public TokenEndpoint(ClientCredentials credentials, TimeProvider time)
    {
        _credentials = credentials;
        _time = time;
        var handler = new SocketsHttpHandler
        {
            SslOptions = Trust(credentials.AuthorityPem).BesideSystem(),
            AllowAutoRedirect = false,
            UseCookies = false,
            ConnectTimeout = Timeout,
            // Asked once in minutes or hours.
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(10),
        };
        _http = new HttpClient(handler) { Timeout = Timeout, MaxResponseContentBufferSize = MaxAnswerBytes };
    }

    /// <inheritdoc/>
    public string Principal => _credentials.Id;

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Extensions => _credentials.Extensions;

    /// <inheritdoc/>
    public async Task<BearerToken> IssueAsync(CancellationToken cancellation)
    {
        var (token, refusal) = await AskAsync(_secretInBody, cancellation);
        if (token is null && refusal.Code is "invalid_client" or "invalid_request")
        {
            (token, _) = await AskAsync(!_secretInBody, cancellation);
            _secretInBody ^= token is not null;
        }

        return token ?? throw Unavailable($"it refuses client '{Principal}': {refusal.Text}");
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static ServerTrust Trust(string? pem)
    {
        try
        {
            return pem is { Length: > 0 } ? ServerTrust.Parse(pem) : ServerTrust.System;
        }
        catch (CryptographicException exception)
        {
            throw new LogConfigurationException($"Kafka client setting ssl.ca.pem: {exception.Message}", exception);
        }
    }

    /// <summary>A token, or what the endpoint says why there is none.</summary>
    private async Task<(BearerToken? Token, Refusal Refusal)> AskAsync(bool secretInBody, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _credentials.Endpoint);
        request.Headers.Accept.ParseAdd("application/json");
        var form = new Dictionary<string, string>(StringComparer.Ordinal) { ["grant_type"] = "client_credentials" };
        if (_credentials.Scope is { } scope)
        {
            form["scope"] = scope;
        }

        if (secretInBody)
        {
            form["client_id"] = _credentials.Id;
            form["client_secret"] = _credentials.Secret;
        }
        else
        {
            // Encoded as in a form before it is put together (RFC 6749 §2.3.1).
            var pair = $"{Uri.EscapeDataString(_credentials.Id)}:{Uri.EscapeDataString(_credentials.Secret)}";
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(pair)));
        }

        request.Content = new FormUrlEncodedContent(form);
        try
        {
            using var response = await _http.SendAsync(request, cancellation);
            var answer = await response.Content.ReadAsByteArrayAsync(cancellation);
            return Read(answer, (int)response.StatusCode);
        }
        catch (HttpRequestException exception)
        {
            throw Unavailable(exception.WithCause(), exception);
        }
        catch (OperationCanceledException exception) when (!cancellation.IsCancellationRequested)
        {
            throw Unavailable($"no answer within {Timeout.TotalSeconds:0} s", exception);
        }
    }

    private (BearerToken? Token, Refusal Refusal) Read(byte[] answer, int status)
    {
        try
        {
            using var document = JsonDocument.Parse(answer);
            var root = document.RootElement;
            if (status is >= 200 and < 300 && Text(root, "access_token") is { Length: > 0 } token)
            {
                // Nothing else can be sent to a broker, neither by us nor by the native clients.
                return TokenText.IsSendable(token)
                    ? (new BearerToken(token, Expiry(root, token)), default)
                    : throw Unavailable("its access_token has characters that no token may have");
            }

            if (status is >= 400 and < 500 && Text(root, "error") is { Length: > 0 } error)
            {
                return (null, new Refusal(error, Shown($"{error} {Text(root, "error_description")}")));
            }
        }
        catch (JsonException) when (status is not (>= 200 and < 300))
        {
            // The status says it.
        }
        catch (JsonException exception)
        {
            throw Unavailable("its answer is not JSON", exception);
        }

        throw Unavailable($"it answered {status.ToString(CultureInfo.InvariantCulture)} without a token");
    }

    /// <summary>By the answer, which no clock can spoil; else by the token itself, if it can be read.</summary>
    private DateTimeOffset Expiry(JsonElement answer, string token)
    {
        var now = _time.GetUtcNow();
        if (Seconds(answer, "expires_in") is { } life and > 0)
        {
            return now + TimeSpan.FromSeconds(Math.Min(life, TimeSpan.FromDays(365).TotalSeconds));
        }

        return TokenText.EndOf(token) ?? (now + DefaultLife);
    }

    private static string? Text(JsonElement root, string name) =>
        root.ValueKind == JsonValueKind.Object && root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private static double? Seconds(JsonElement root, string name)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty(name, out var value))
        {
            return null;
        }

        return value.ValueKind switch
        {
            JsonValueKind.Number => value.TryGetDouble(out var number) ? number : null,
            // Some providers write it as text.
            JsonValueKind.String => double.TryParse(value.GetString(), CultureInfo.InvariantCulture, out var number) ? number : null,
            _ => null,
        };
    }

    private static string Shown(string text)
    {
        var line = string.Concat(text.Trim().Take(MaxShown).Select(static c => char.IsControl(c) ? ' ' : c));
        return text.Length > MaxShown ? line + "..." : line;
    }

    private LogUnavailableException Unavailable(string reason, Exception? inner = null)
    {
        var message = $"no token from {_credentials.Endpoint.GetLeftPart(UriPartial.Path)}: {reason}";
        return inner is null ? new LogUnavailableException(message) : new LogUnavailableException(message, inner);
    }

    /// <summary>What an endpoint says instead of giving a token (RFC 6749 §5.2).</summary>
    private readonly record struct Refusal(string Code, string Text);
}
