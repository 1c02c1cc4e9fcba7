using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Brokkr.Core;
using Brokkr.Core.Tls;

namespace Brokkr.Kubernetes.Api;

/// <summary>
/// A connection to the API server of a cluster, shared by all that this process asks of it. Files with authorities, token and client certificate are read anew for
/// each request, so that they may rotate. May be used by many at once.
/// </summary>
/// <param name="options">How to reach it.</param>
/// <param name="time">Limits how long requests take.</param>
public sealed class ApiConnection(ApiServerOptions options, TimeProvider time) : IDisposable
{
    private const int MaxShown = 300;

    private readonly Lock _changing = new();
    private volatile Server? _server;

    /// <summary>How it is reached.</summary>
    public ApiServerOptions Options => options;

    /// <inheritdoc/>
    public void Dispose() => _server?.Client.Dispose();

    /// <summary>Sends a request and reads the answer.</summary>
    /// <param name="method">The verb.</param>
    /// <param name="path">Path and query below the address of the server, without a slash in front; names in it are escaped.</param>
    /// <param name="content">The body, if any.</param>
    /// <param name="type">What is expected.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>The answer, or why there is none. A server that is away is no exception.</returns>
    internal async Task<ApiResult<T>> SendAsync<T>(
        HttpMethod method,
        string path,
        HttpContent? content,
        JsonTypeInfo<T> type,
        CancellationToken cancellation
    )
        where T : class
    {
        using var limit = new CancellationTokenSource(options.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            using var request = Request(method, path, content);
            using var response = await Connect().SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            return response.IsSuccessStatusCode
                ? new ApiResult<T>(await response.Content.ReadFromJsonAsync(type, either.Token), null)
                : new ApiResult<T>(null, await RefusedAsync(response, either.Token));
        }
        catch (Exception failure) when (ProblemOf(failure, options.Timeout, limit.Token) is { } problem)
        {
            return new ApiResult<T>(null, problem);
        }
    }

    /// <summary>Reads an object while the caller's thread waits: for what is asked for in the middle of something that cannot be put off.</summary>
    /// <param name="path">As for <see cref="SendAsync"/>.</param>
    /// <param name="type">What is expected.</param>
    /// <param name="longest">How long it may take.</param>
    /// <returns>The answer, or why there is none.</returns>
    internal ApiResult<T> Get<T>(string path, JsonTypeInfo<T> type, TimeSpan longest)
        where T : class
    {
        using var limit = new CancellationTokenSource(longest, time);
        try
        {
            using var request = Request(HttpMethod.Get, path, null);

            // The only version in which the runtime does not need another thread.
            request.Version = HttpVersion.Version11;
            request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
            using var response = Connect().Send(request, HttpCompletionOption.ResponseContentRead, limit.Token);
            using var body = response.Content.ReadAsStream(limit.Token);
            return response.IsSuccessStatusCode
                ? new ApiResult<T>(JsonSerializer.Deserialize(body, type), null)
                : new ApiResult<T>(
                    null,
                    new ApiProblem(
                        (int)response.StatusCode,
                        $"the API server answered {((int)response.StatusCode).ToString(CultureInfo.InvariantCulture)}"
                    )
                );
        }
        catch (Exception failure) when (ProblemOf(failure, longest, limit.Token) is { } problem)
        {
            return new ApiResult<T>(null, problem);
        }
    }

    /// <summary>Asks for a watch.</summary>
    /// <param name="path">As for <see cref="SendAsync"/>.</param>
    /// <param name="cancellation">Ends the wait for the begin of the answer.</param>
    /// <returns>What comes, to be disposed; or why nothing will.</returns>
    internal async Task<ApiResult<ApiStream>> OpenAsync(string path, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(options.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        HttpResponseMessage? response = null;
        try
        {
            using var request = Request(HttpMethod.Get, path, null);
            response = await Connect().SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            if (!response.IsSuccessStatusCode)
            {
                return new ApiResult<ApiStream>(null, await RefusedAsync(response, either.Token));
            }

            var stream = new ApiStream(response, await response.Content.ReadAsStreamAsync(either.Token));
            response = null;
            return new ApiResult<ApiStream>(stream, null);
        }
        catch (Exception failure) when (ProblemOf(failure, options.Timeout, limit.Token) is { } problem)
        {
            return new ApiResult<ApiStream>(null, problem);
        }
        finally
        {
            response?.Dispose();
        }
    }

    private static Uri Below(Uri address, string path) => new(address.AbsoluteUri.TrimEnd('/') + "/" + path);

    /// <summary>What a failure means, where it is one of those that happen; else null.</summary>
    private static ApiProblem? ProblemOf(Exception failure, TimeSpan longest, CancellationToken limit) =>
        failure switch
        {
            OperationCanceledException when limit.IsCancellationRequested => new ApiProblem(
                0,
                $"the API server did not answer within {longest.TotalSeconds:0.#} s"
            ),
            HttpRequestException => new ApiProblem(0, $"the API server cannot be reached: {failure.WithCause()}"),
            HttpIOException => new ApiProblem(0, $"the API server broke off its answer: {failure.WithCause()}"),
            IOException or UnauthorizedAccessException or CryptographicException => new ApiProblem(
                0,
                $"this process has no credentials for the API server: {failure.Message}"
            ),
            JsonException => new ApiProblem(0, $"the answer of the API server cannot be read: {failure.Message}"),
            _ => null,
        };

    private static async Task<ApiProblem> RefusedAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var status = (int)response.StatusCode;
        var text = $"the API server answered {status.ToString(CultureInfo.InvariantCulture)}";
        try
        {
            var failure = await response.Content.ReadFromJsonAsync(ApiJson.Default.ApiFailure, cancellation);
            return new ApiProblem(
                status,
                failure?.Message is not { Length: > 0 } message ? text
                    : message.Length > MaxShown ? $"{text}: {message.AsSpan(0, MaxShown)}..."
                    : $"{text}: {message}"
            );
        }
        catch (JsonException)
        {
            // Not the API server's own answer; the status says it.
            return new ApiProblem(status, text);
        }
    }

    private HttpRequestMessage Request(HttpMethod method, string path, HttpContent? content)
    {
        var request = new HttpRequestMessage(method, Below(options.Address, path))
        {
            Content = content,
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        if (options.Token is { } token)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token.Read().Trim());
        }

        return request;
    }

    /// <summary>A client that believes the authorities, and shows the certificate, that are in the files now.</summary>
    private HttpClient Connect()
    {
        var identity = new Identity(options.Authorities?.Read(), options.ClientCertificate?.Read(), options.ClientKey?.Read());
        if (_server is { } known && known.Identity == identity)
        {
            return known.Client;
        }

        lock (_changing)
        {
            if (_server is not { } current || current.Identity != identity)
            {
                // Requests that are under way go on with the one before, which ends with them.
                _server = current = new Server(identity, Create(identity));
            }

            return current.Client;
        }
    }

    private HttpClient Create(Identity identity) =>
        new(
            new SocketsHttpHandler
            {
                SslOptions = Ssl(identity),
                UseProxy = false,
                AllowAutoRedirect = false,
                UseCookies = false,
                ActivityHeadersPropagator = null,
                ConnectTimeout = options.Timeout,
                PooledConnectionIdleTimeout = TimeSpan.FromSeconds(10),
                // Watches are silent for minutes; a server that is gone without a word is noticed by these.
                EnableMultipleHttp2Connections = true,
                KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
                KeepAlivePingDelay = TimeSpan.FromSeconds(20),
                KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
            }
        )
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };

    [SuppressMessage("Security", "CA5359", Justification = "Only where somebody asks for it, as kubectl does.")]
    private SslClientAuthenticationOptions Ssl(Identity identity)
    {
        var trust = identity.Authorities is { } pem ? ServerTrust.Parse(pem).InsteadOfSystem() : ServerTrust.System.BesideSystem();
        if (options.SkipVerification)
        {
            trust.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
        }

        if (identity.Certificate is { } certificate)
        {
            trust.ClientCertificates = [X509Certificate2.CreateFromPem(certificate, identity.Key)];
        }

        return trust;
    }

    /// <summary>What a client is made of. Never printed.</summary>
    private sealed record Identity(string? Authorities, string? Certificate, string? Key)
    {
        public override string ToString() => nameof(Identity);
    }

    private sealed record Server(Identity Identity, HttpClient Client);
}
