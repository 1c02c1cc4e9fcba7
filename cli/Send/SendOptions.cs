namespace Brokkr.Cli.Send;

/// <summary>What <c>brokkr send</c> is to send, where to and how.</summary>
internal sealed record SendOptions
{
    /// <summary>Where events are posted.</summary>
    public required Uri Url { get; init; }

    /// <summary>Attribute <c>type</c>.</summary>
    public required string Type { get; init; }

    /// <summary>Attribute <c>source</c>.</summary>
    public required string Source { get; init; }

    /// <summary>Attribute <c>id</c>; with several events the first part of it. Null for a new one.</summary>
    public string? Id { get; init; }

    /// <summary>Attribute <c>subject</c>; null for none.</summary>
    public string? Subject { get; init; }

    /// <summary>Attribute <c>time</c>; null for now.</summary>
    public string? Time { get; init; }

    /// <summary>Attribute <c>datacontenttype</c>; null for what the data looks like.</summary>
    public string? DataContentType { get; init; }

    /// <summary>Extensions as <c>name=value</c>.</summary>
    public IReadOnlyList<string> Extensions { get; init; } = [];

    /// <summary>How many events.</summary>
    public long Count { get; init; } = 1;

    /// <summary>Events per second; 0 for as many as will go.</summary>
    public double Rate { get; init; }

    /// <summary>Requests at a time.</summary>
    public int Concurrency { get; init; } = 1;

    /// <summary>How long one request may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);
}
