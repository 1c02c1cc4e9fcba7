using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Brokkr.Apis;

namespace Brokkr.Controller.Reconcilers;

/// <summary>Whether a receiver serves a path.</summary>
internal enum ProbeStatus
{
    /// <summary>It was not asked yet.</summary>
    Unknown,

    /// <summary>It does.</summary>
    Ready,

    /// <summary>It answers, but does not serve the path.</summary>
    NotReady,

    /// <summary>It does not answer.</summary>
    UnknownError,
}

/// <summary>What is asked of a receiver.</summary>
/// <param name="PodUid">The Pod: another one under the same address is asked again.</param>
/// <param name="PodIP">Its address; empty where only the Service is known.</param>
/// <param name="Host">DNS name of the receiver's Service.</param>
/// <param name="Port">The port.</param>
/// <param name="IsTls">Whether by https.</param>
/// <param name="Path">The path.</param>
/// <param name="Certificates">What is trusted beside the system's certificates, in PEM.</param>
internal sealed record ProbeTarget(string PodUid, string PodIP, string Host, int Port, bool IsTls, string Path, string Certificates);

/// <summary>What a receiver answered.</summary>
/// <param name="Status">Whether it serves the path.</param>
/// <param name="Text">Why it did not answer, for people.</param>
internal sealed record ProbeAnswer(ProbeStatus Status, string Text = "");

/// <summary>
/// Asks receivers whether they serve a path (control-plane §11): each by its own address, so that one does not answer for all, and through the Service where that
/// cannot be reached. Used for data planes that do not report by themselves. Asking starts the work beside the caller; the owner is told when there is something new.
/// </summary>
internal sealed class Prober(ControlPlaneOptions options, TimeProvider time, Action<ObjectKey> onAnswer, CancellationToken stop)
    : IDisposable
{
    // How many receivers are asked at the same time.
    private const int Concurrency = 32;
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _slots = new(Concurrency);
    private readonly Lock _lock = new();
    private readonly Dictionary<ObjectKey, Dictionary<ProbeTarget, Entry>> _entries = [];

    /// <summary>What is known of some receivers; forgets the owner's others.</summary>
    /// <param name="owner">Who wants to know, and is told.</param>
    /// <param name="targets">What is asked.</param>
    /// <param name="next">When to look again without having been told; null for never.</param>
    public IReadOnlyList<ProbeAnswer> Get(ObjectKey owner, IReadOnlyCollection<ProbeTarget> targets, out TimeSpan? next)
    {
        next = null;
        lock (_lock)
        {
            var known = _entries.GetValueOrDefault(owner);
            var wanted = new Dictionary<ProbeTarget, Entry>();
            var now = time.GetUtcNow();
            List<ProbeAnswer> answers = [];
            foreach (var target in targets)
            {
                var entry = known?.GetValueOrDefault(target) ?? new Entry();
                wanted[target] = entry;
                if (!entry.IsWorking && entry.Due <= now)
                {
                    entry.IsWorking = true;
                    _ = Task.Run(() => AskAsync(owner, target, entry), CancellationToken.None);
                }
                else if (!entry.IsWorking && (next is null || entry.Due - now < next))
                {
                    next = entry.Due - now;
                }

                answers.Add(entry.Answer);
            }

            if (wanted.Count > 0)
            {
                _entries[owner] = wanted;
            }
            else
            {
                _entries.Remove(owner);
            }

            return answers;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _slots.Dispose();

    private async Task AskAsync(ObjectKey owner, ProbeTarget target, Entry entry)
    {
        ProbeAnswer answer;
        try
        {
            await _slots.WaitAsync(stop);
            try
            {
                answer = target.PodIP.Length > 0 ? await AskAsync(target, target.PodIP) : new ProbeAnswer(ProbeStatus.UnknownError);
                if (answer.Status == ProbeStatus.UnknownError)
                {
                    answer = await AskAsync(target, target.Host);
                }
            }
            finally
            {
                _slots.Release();
            }
        }
        catch (OperationCanceledException)
        {
            return;
        }

        bool isNew;
        lock (_lock)
        {
            // Whoever waits for another answer is told of each.
            isNew = entry.Answer != answer || answer.Status != ProbeStatus.Ready;
            entry.Failures = answer.Status == ProbeStatus.Ready ? 0 : entry.Failures + 1;
            var delay =
                answer.Status == ProbeStatus.Ready
                    ? options.ProbeAge
                    : TimeSpan.FromTicks(Math.Min(FirstDelay.Ticks << Math.Min(entry.Failures - 1, 10), LongestDelay.Ticks));
            entry.Answer = answer;
            entry.Due = time.GetUtcNow() + delay;
            entry.IsWorking = false;
        }

        if (isNew)
        {
            onAnswer(owner);
        }
    }

    private async Task<ProbeAnswer> AskAsync(ProbeTarget target, string address)
    {
        using var timeout = new CancellationTokenSource(options.ProbeTimeout, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stop);
        using var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false };
        handler.ConnectCallback = async (_, cancellation) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(address, target.Port, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        };
        handler.SslOptions = new SslClientAuthenticationOptions
        {
            TargetHost = target.Host,
            EnabledSslProtocols = SslProtocols.Tls13,
            RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
                IsTrusted(certificate as X509Certificate2, chain, errors, target.Certificates),
        };
        using var client = new HttpMessageInvoker(handler);
        using var request = new HttpRequestMessage(
            HttpMethod.Get,
            new UriBuilder(target.IsTls ? "https" : "http", target.Host, target.Port, target.Path).Uri
        );
        request.Headers.TryAddWithoutValidation("K-Network-Probe", "probe");
        request.Headers.TryAddWithoutValidation("K-Network-Hash", "probe");
        try
        {
            using var response = await client.SendAsync(request, both.Token);
            return new ProbeAnswer(response.StatusCode == HttpStatusCode.OK ? ProbeStatus.Ready : ProbeStatus.NotReady);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return new ProbeAnswer(ProbeStatus.UnknownError, $"no answer within {options.ProbeTimeout.TotalSeconds} s");
        }
        catch (HttpRequestException exception)
        {
            return new ProbeAnswer(ProbeStatus.UnknownError, (exception.InnerException ?? exception).Message);
        }
    }

    private static bool IsTrusted(X509Certificate2? certificate, X509Chain? chain, SslPolicyErrors errors, string more)
    {
        if (errors == SslPolicyErrors.None)
        {
            return true;
        }

        if (certificate is null || errors != SslPolicyErrors.RemoteCertificateChainErrors || more.Length == 0)
        {
            return false;
        }

        using var own = new X509Chain();
        own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        try
        {
            own.ChainPolicy.CustomTrustStore.ImportFromPem(more);
        }
        catch (CryptographicException)
        {
            return false;
        }

        if (chain is not null)
        {
            foreach (var element in chain.ChainElements)
            {
                own.ChainPolicy.ExtraStore.Add(element.Certificate);
            }
        }

        return own.Build(certificate);
    }

    private sealed class Entry
    {
        public ProbeAnswer Answer { get; set; } = new(ProbeStatus.Unknown);

        public DateTimeOffset Due { get; set; }

        public int Failures { get; set; }

        public bool IsWorking { get; set; }
    }
}
