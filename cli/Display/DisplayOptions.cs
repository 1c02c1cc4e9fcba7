using System.Net;

namespace Brokkr.Cli.Display;

/// <summary>How <c>brokkr display</c> answers.</summary>
internal sealed record DisplayOptions
{
    /// <summary>Port to listen on; 0 for any free one.</summary>
    public int Port { get; init; } = 9001;

    /// <summary>Address to listen on.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>Type of the event that is sent back; null for none.</summary>
    public string? ReplyType { get; init; }

    /// <summary>How many attempts at each event fail before one succeeds.</summary>
    public int FailFirst { get; init; }

    /// <summary>The status of failed attempts; without <see cref="FailFirst"/> of all of them. Null for none (503 with it).</summary>
    public int? Status { get; init; }

    /// <summary>How long an answer is held back.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>True: one JSON object per event is printed.</summary>
    public bool Json { get; init; }
}
