using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Brokkr.Core;
using Brokkr.Core.Tls;
using Brokkr.Core.Tokens;

namespace Brokkr.Dispatcher.Tokens;

/// <summary>
/// Tokens that the API server of the cluster makes for the service accounts of Triggers (TokenRequest; dispatcher §7.9). The process's own service account
/// needs the verb <c>create</c> on <c>serviceaccounts/token</c>.
/// </summary>
/// <param name="options">How to reach the API server.</param>
/// <param name="time">Says when tokens end.</param>
public sealed class KubernetesTokenSource(KubernetesTokenOptions options, TimeProvider time) : ITokenSource, IDisposable
{
    /// <summary>The original keeps tokens up to their last minutes; an API server that is away for a while should not be noticed.</summary>
    private const double PartOfLife = 0.8;
    private const int MaxShown = 300;
    private const int MaxAnswerBytes = 1024 * 1024;

    private readonly SemaphoreSlim _changing = new(1, 1);
    private volatile Server? _server;

    /// <inheritdoc/>
    public async Task<TokenResult> IssueAsync(TokenIdentity identity, CancellationToken cancellation)
    {
        if (!IsName(identity.Namespace) || !IsName(identity.ServiceAccount))
        {
            return TokenResult.None("the contract does not name the service account whose it shall be");
        }

        using var limit = new CancellationTokenSource(options.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return await AskAsync(identity, either.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            return TokenResult.None($"the API server did not answer within {options.Timeout.TotalSeconds:0.#} s");
        }
        catch (HttpRequestException failure)
        {
            return TokenResult.None($"the API server cannot be reached: {failure.WithCause()}");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return TokenResult.None($"this process has no credentials for the API server: {failure.Message}");
        }
        catch (JsonException failure)
        {
            return TokenResult.None($"the answer of the API server cannot be read: {failure.Message}");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _server?.Client.Dispose();
        _changing.Dispose();
    }

    /// <summary>Names come from the contract: they must not lead elsewhere.</summary>
    private static bool IsName(string text) => text.Length > 0 && text[0] != '.';

    private async Task<TokenResult> AskAsync(TokenIdentity identity, CancellationToken cancellation)
    {
        var client = await ConnectAsync(cancellation);
        var asked = time.GetUtcNow();
        using var request = new HttpRequestMessage(
            HttpMethod.Post,
            new Uri(
                options.Address,
                $"/api/v1/namespaces/{Uri.EscapeDataString(identity.Namespace)}/serviceaccounts/{Uri.EscapeDataString(identity.ServiceAccount)}/token"
            )
        );
        request.Headers.Authorization = new AuthenticationHeaderValue(
            "Bearer",
            (await File.ReadAllTextAsync(options.TokenFile, cancellation)).Trim()
        );
        request.Content = JsonContent.Create(
            new TokenRequest
            {
                Spec = new TokenRequestSpec { Audiences = [identity.Audience], ExpirationSeconds = (long)options.Life.TotalSeconds },
            },
            TokenJson.Default.TokenRequest
        );
        using var response = await client.SendAsync(request, cancellation);
        if (!response.IsSuccessStatusCode)
        {
            return TokenResult.None(
                $"the API server answered {((int)response.StatusCode).ToString(CultureInfo.InvariantCulture)}{await MessageAsync(response, cancellation)}"
            );
        }

        var answer = await response.Content.ReadFromJsonAsync(TokenJson.Default.TokenRequest, cancellation);
        if (answer?.Status?.Token is not { } token || !TokenText.IsSendable(token))
        {
            return TokenResult.None("the API server answered without a token");
        }

        // By how long it lasts rather than by when it ends, so that it does not matter whose clock is wrong.
        var life =
            answer.Spec?.ExpirationSeconds is { } seconds and > 0 ? TimeSpan.FromSeconds(Math.Min(seconds, 365L * 24 * 60 * 60))
            : answer.Status.ExpirationTimestamp is { } end ? end - asked
            : options.Life;
        return new TokenResult(new SubscriberToken(token, asked + life, asked + (life * PartOfLife)), null);
    }

    private static async Task<string> MessageAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        try
        {
            var failure = await response.Content.ReadFromJsonAsync(TokenJson.Default.ApiFailure, cancellation);
            return failure?.Message is not { Length: > 0 } message ? ""
                : message.Length > MaxShown ? $": {message.AsSpan(0, MaxShown)}..."
                : ": " + message;
        }
        catch (JsonException)
        {
            // Not the API server's own answer; the status says it.
            return "";
        }
    }

    /// <summary>A client that believes the cluster's authority as it stands in the file now.</summary>
    private async Task<HttpClient> ConnectAsync(CancellationToken cancellation)
    {
        var authority = await File.ReadAllTextAsync(options.CaFile, cancellation);
        if (_server is { } known && string.Equals(known.Authority, authority, StringComparison.Ordinal))
        {
            return known.Client;
        }

        await _changing.WaitAsync(cancellation);
        try
        {
            if (_server is not { } current || !string.Equals(current.Authority, authority, StringComparison.Ordinal))
            {
                // Requests that are under way go on with the one before, which ends with them.
                _server = current = new Server(authority, Create(ServerTrust.Parse(authority)));
            }

            return current.Client;
        }
        finally
        {
            _changing.Release();
        }
    }

    private static HttpClient Create(ServerTrust trust) =>
        new(
            new SocketsHttpHandler
            {
                SslOptions = trust.InsteadOfSystem(),
                UseProxy = false,
                AllowAutoRedirect = false,
                UseCookies = false,
                ActivityHeadersPropagator = null,
                // At the start many tokens are wanted at once, later one in a while.
                MaxConnectionsPerServer = 4,
                PooledConnectionIdleTimeout = TimeSpan.FromSeconds(10),
            }
        )
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = MaxAnswerBytes,
        };

    private sealed record Server(string Authority, HttpClient Client);
}
