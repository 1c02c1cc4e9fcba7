using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Brokkr.Controller.Stores;
using Brokkr.Core;
using Brokkr.Core.Configuration;
using k8s.Authentication;
using Microsoft.Extensions.Logging;

namespace Brokkr.Controller.Kubernetes;

/// <summary>
/// The way to a Kubernetes API server: address, trust and credentials from the pod or a kubeconfig, with a limit to the requests per second. Requests that the
/// server asks to repeat later are repeated then. Safe for concurrent use.
/// </summary>
public sealed class ClusterConnection : IDisposable
{
    private const int MaxAttempts = 6;

    // Longer waits are left to those who asked: they know what else there is to do.
    private static readonly TimeSpan MaxRetryAfter = TimeSpan.FromSeconds(10);

    private readonly HttpClient _client;
    private readonly ServiceClientCredentials? _credentials;
    private readonly TokenBucket _bucket;
    private long _requests;

    private ClusterConnection(ClusterOptions options, HttpClient client, ServiceClientCredentials? credentials, TimeProvider time)
    {
        Options = options;
        Time = time;
        _client = client;
        _credentials = credentials;
        _bucket = new TokenBucket(options.RequestsPerSecond, options.Burst, time);
    }

    /// <summary>Requests sent so far, watches and repetitions included.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    internal ClusterOptions Options { get; }

    internal TimeProvider Time { get; }

    /// <summary>Reads the credentials, asks the server for its version and refuses one that is too old.</summary>
    /// <exception cref="ConfigurationException">There are no usable credentials, or the server is too old; the message says what to do.</exception>
    /// <exception cref="StoreException">The server does not answer.</exception>
    public static async Task<ClusterConnection> ConnectAsync(
        ClusterOptions options,
        TimeProvider time,
        ILoggerFactory loggers,
        CancellationToken cancellation
    )
    {
        var (client, credentials) = Credentials.Open(options);
        var connection = new ClusterConnection(options, client, credentials, time);
        try
        {
            var version = await connection.CheckVersionAsync(cancellation);
            loggers.CreateLogger("Brokkr.Controller.Cluster").ClusterConnected(client.BaseAddress!, version);
            return connection;
        }
        catch (ApiFailure failure)
        {
            connection.Dispose();
            throw failure.ToStoreException();
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    /// <summary>Sends a request and reads the answer of its success.</summary>
    /// <exception cref="ApiFailure">It failed.</exception>
    internal async Task<T> CallAsync<T>(ApiCall call, Func<Stream, CancellationToken, ValueTask<T>> read, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            if (!call.IsUrgent)
            {
                await _bucket.WaitAsync(cancellation);
            }

            try
            {
                return await OnceAsync(call, read, cancellation);
            }
            catch (ApiFailure failure) when (MayRepeat(call, failure, attempt))
            {
                await Task.Delay(failure.RetryAfter!.Value, Time, cancellation);
            }
        }
    }

    /// <summary>Opens a watch: its answer is read as it comes.</summary>
    /// <exception cref="ApiFailure">It failed.</exception>
    internal async Task<HttpResponseMessage> OpenAsync(ApiCall call, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(Options.RequestTimeout, Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            return await SendAsync(call, either.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw ApiFailure.TimedOut(call, Options.RequestTimeout);
        }
    }

    /// <summary>Whether it says that there is no connection. One that is reset while it is made shows as the socket's own exception.</summary>
    internal static bool IsLost(Exception exception) => exception is HttpRequestException or IOException or SocketException;

    private static bool MayRepeat(ApiCall call, ApiFailure failure, int attempt) =>
        !call.IsUrgent && attempt < MaxAttempts && failure.RetryAfter is { } pause && pause <= MaxRetryAfter;

    private async Task<T> OnceAsync<T>(ApiCall call, Func<Stream, CancellationToken, ValueTask<T>> read, CancellationToken cancellation)
    {
        var timeout = call.Timeout ?? Options.RequestTimeout;
        using var limit = new CancellationTokenSource(timeout, Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            using var response = await SendAsync(call, either.Token);
            await using var stream = await response.Content.ReadAsStreamAsync(either.Token);
            return await read(stream, either.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw ApiFailure.TimedOut(call, timeout);
        }
        catch (Exception exception) when (IsLost(exception))
        {
            throw ApiFailure.Unreachable(call, exception);
        }
        catch (JsonException)
        {
            throw ApiFailure.Garbled(call, "is no JSON of the expected form");
        }
    }

    private async Task<HttpResponseMessage> SendAsync(ApiCall call, CancellationToken cancellation)
    {
        using var message = call.ToMessage();
        try
        {
            if (_credentials is not null)
            {
                await _credentials.ProcessHttpRequestAsync(message, cancellation);
            }

            Interlocked.Increment(ref _requests);
            var response = await _client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellation);
            if (response.IsSuccessStatusCode)
            {
                return response;
            }

            using (response)
            {
                var body = await response.Content.ReadAsByteArrayAsync(cancellation);
                throw ApiFailure.Of(call, response.StatusCode, RetryAfter(response), body);
            }
        }
        catch (Exception exception) when (IsLost(exception) || exception is k8s.Exceptions.KubeConfigException)
        {
            // The last: a program of the kubeconfig that gives tokens failed.
            throw ApiFailure.Unreachable(call, exception);
        }
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response) =>
        response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - Time.GetUtcNow() is var wait && wait > TimeSpan.Zero ? wait : TimeSpan.Zero,
            // Without a word about when, too many requests are for a second.
            _ => response.StatusCode == HttpStatusCode.TooManyRequests ? TimeSpan.FromSeconds(1) : null,
        };

    private async Task<string> CheckVersionAsync(CancellationToken cancellation)
    {
        var answer = await CallAsync(
            new ApiCall(HttpMethod.Get, "version"),
            (stream, token) => JsonSerializer.DeserializeAsync(stream, ClusterJson.Default.ApiServerVersion, token),
            cancellation
        );
        var text = answer?.GitVersion ?? "";
        var least = ServerVersion.Parse(Options.MinimumVersion);
        return ServerVersion.Parse(text) is { } version && version >= least
            ? text
            : throw new ConfigurationException(
                $"The API server has version \"{text}\", at least {Options.MinimumVersion} is needed: upgrade it, or set KUBERNETES_MIN_VERSION to try with this one."
            );
    }
}
