using System.Net;
using Brokkr.Receiver.Authentication;
using Brokkr.Receiver.Tls;

namespace Brokkr.Receiver;

/// <summary>How a receiver listens, what it accepts and how it ends. Every value has the default that is used when nothing is said.</summary>
public sealed record ReceiverOptions
{
    /// <summary>The least that the limits of request line and headers may be set to, in bytes.</summary>
    public const int LeastHeaderBytes = 64;

    /// <summary>The most that the limits of request line and headers may be set to, in bytes.</summary>
    public const int MostHeaderBytes = 16 * 1024 * 1024;

    /// <summary>The longest that any time here may be: timers cannot count further than some weeks.</summary>
    public static TimeSpan LongestTime { get; } = TimeSpan.FromDays(30);

    /// <summary>Address to listen on. Default: every IPv4 address, as the original does.</summary>
    public IPAddress Address { get; init; } = IPAddress.Any;

    /// <summary>Port for HTTP/1.1 and HTTP/2 in clear text, 0 for any free one. Default 8080.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>Path that answers 200 to <c>GET</c> while the process lives. Compared exactly.</summary>
    public string LivenessPath { get; init; } = "/healthz";

    /// <summary>Path that answers 200 to <c>GET</c> while events are wanted here, else 503. Compared exactly.</summary>
    public string ReadinessPath { get; init; } = "/readyz";

    /// <summary>The largest request body in bytes, after decompression. Default 1 MiB: what Kafka accepts as one record unless told otherwise.</summary>
    public int MaxBodyBytes { get; init; } = 1024 * 1024;

    /// <summary>
    /// Bytes of request bodies that may be held at one time; requests beyond that get 429 with <c>Retry-After</c>. Default 128 MiB: the memory of
    /// the process stays bounded however many senders wait for a slow log.
    /// </summary>
    public long MaxBytesInFlight { get; init; } = 128L * 1024 * 1024;

    /// <summary>
    /// How long a request waits for the log to confirm its record before it is answered 503. Default two minutes, the delivery deadline of the
    /// shipped producer settings; the log usually gives up by itself first.
    /// </summary>
    public TimeSpan AppendDeadline { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long the body of a request may take to arrive before it is answered 408. Default two minutes: 1 MiB at 9 kB/s.</summary>
    public TimeSpan BodyDeadline { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Value of <c>Retry-After</c> on 429 and 503, in whole seconds. Default 1.</summary>
    public int RetryAfterSeconds { get; init; } = 1;

    /// <summary>How long to wait before a log that could not be opened is tried again. Default 5 s, as the original.</summary>
    public TimeSpan OpenRetryDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long one attempt to open a log may take. Default 10 s, the original's limit of a reconcile run.</summary>
    public TimeSpan OpenTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long requests are still served after a stop was asked for and readiness has gone, so that load balancers notice. Default 3 s. Answers
    /// carry <c>Connection: close</c> meanwhile.
    /// </summary>
    public TimeSpan DrainDelay { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long running requests may take to finish after listening has stopped. Default 20 s: with the rest, under the kubelet's 30 s.</summary>
    public TimeSpan DrainBudget { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Close a connection on which nothing was asked for that long; zero for never. Default never, as the original ships it.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.Zero;

    /// <summary>Longest request line in bytes; longer ones get 414. Default 4096, as the original.</summary>
    public int MaxRequestLineBytes { get; init; } = 4096;

    /// <summary>Largest list of headers in bytes; larger ones get 431. Default 8192, as the original.</summary>
    public int MaxHeaderBytes { get; init; } = 8192;

    /// <summary>Connections that may wait to be accepted. Default 512.</summary>
    public int AcceptBacklog { get; init; } = 512;

    /// <summary>Whether small packets go out at once. Default true.</summary>
    public bool NoDelay { get; init; } = true;

    /// <summary>Whether HTTP/2 in clear text is accepted from clients that know beforehand. Default true.</summary>
    public bool Http2 { get; init; } = true;

    /// <summary>Streams that one HTTP/2 connection may have open. Default 100, as the original.</summary>
    public int MaxStreamsPerConnection { get; init; } = 100;

    /// <summary>
    /// Whether bodies with <c>Content-Encoding</c> gzip, deflate or br are unpacked. Default false: such a request is refused with 415, because
    /// the coding would be lost on the way and subscribers would get bytes they cannot read.
    /// </summary>
    public bool Decompress { get; init; }

    /// <summary>
    /// Whose tokens senders show to resources that have an audience. Null, the default: nobody's, and such a resource takes no events; it is never
    /// open.
    /// </summary>
    public IssuerOptions? Issuer { get; init; }

    /// <summary>HTTPS beside HTTP. Null, the default, for none.</summary>
    public TlsOptions? Tls { get; init; }

    /// <summary>
    /// Whether HTTP answers the kubelet's probes only and refuses everything else with 403 (receiver-and-core §18.23). Default false.
    /// </summary>
    public bool RequireTls { get; init; }

    /// <summary>Checks the values.</summary>
    /// <exception cref="ArgumentException">A value is out of range; the message names it.</exception>
    public void Validate()
    {
        InRange(Port, 0, ushort.MaxValue, nameof(Port));
        InRange(MaxBodyBytes, 1, 1024 * 1024 * 1024, nameof(MaxBodyBytes));
        InRange(MaxBytesInFlight, MaxBodyBytes, long.MaxValue, nameof(MaxBytesInFlight));
        InRange(RetryAfterSeconds, 0, int.MaxValue, nameof(RetryAfterSeconds));
        InRange(MaxRequestLineBytes, LeastHeaderBytes, MostHeaderBytes, nameof(MaxRequestLineBytes));
        InRange(MaxHeaderBytes, LeastHeaderBytes, MostHeaderBytes, nameof(MaxHeaderBytes));
        InRange(AcceptBacklog, 1, int.MaxValue, nameof(AcceptBacklog));
        InRange(MaxStreamsPerConnection, 1, int.MaxValue, nameof(MaxStreamsPerConnection));
        Positive(AppendDeadline, nameof(AppendDeadline));
        Positive(BodyDeadline, nameof(BodyDeadline));
        Positive(OpenRetryDelay, nameof(OpenRetryDelay));
        Positive(OpenTimeout, nameof(OpenTimeout));
        NotNegative(DrainDelay, nameof(DrainDelay));
        NotNegative(DrainBudget, nameof(DrainBudget));
        NotNegative(IdleTimeout, nameof(IdleTimeout));
        Issuer?.Validate();
        if (Tls is not null)
        {
            InRange(Tls.Port, 0, ushort.MaxValue, "Tls.Port");
            Positive(Tls.HandshakeTimeout, "Tls.HandshakeTimeout");
            Positive(Tls.RereadInterval, "Tls.RereadInterval");
        }

        IsPath(LivenessPath, nameof(LivenessPath));
        IsPath(ReadinessPath, nameof(ReadinessPath));
    }

    private static void InRange(long value, long least, long most, string name)
    {
        if (value < least || value > most)
        {
            throw new ArgumentException($"{name} is {value}; it must be {least} to {most}.");
        }
    }

    private static void Positive(TimeSpan value, string name)
    {
        if (value <= TimeSpan.Zero || value > LongestTime)
        {
            throw new ArgumentException($"{name} is {value}; it must be more than zero, and at most {LongestTime}.");
        }
    }

    private static void NotNegative(TimeSpan value, string name)
    {
        if (value < TimeSpan.Zero || value > LongestTime)
        {
            throw new ArgumentException($"{name} is {value}; it must be from zero to {LongestTime}.");
        }
    }

    private static void IsPath(string value, string name)
    {
        if (!value.StartsWith('/'))
        {
            throw new ArgumentException($"{name} is '{value}'; it must begin with '/'.");
        }
    }
}
