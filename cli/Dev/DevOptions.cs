using System.Net;

namespace Brokkr.Cli.Dev;

/// <summary>What <c>brokkr dev</c> is to run.</summary>
internal sealed record DevOptions
{
    /// <summary>The folder with the manifests.</summary>
    public required string Folder { get; init; }

    /// <summary>Kafka servers, comma separated; null for the embedded log.</summary>
    public string? Kafka { get; init; }

    /// <summary>Where the embedded log keeps its data; null for <c>.brokkr</c> in the folder.</summary>
    public string? Data { get; init; }

    /// <summary>Folder with the tokens for subscribers that have an audience; null for none.</summary>
    public string? Tokens { get; init; }

    /// <summary>Address to listen on. Loopback unless asked otherwise: events of a laptop are not for its neighbours.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>Port to listen on; 0 for any free one.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>How long running deliveries may take to finish at the end. Short: a person waits, and what is not finished is delivered again.</summary>
    public TimeSpan StopBudget { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The data folder that is used.</summary>
    public string DataFolder => Path.GetFullPath(Data ?? Path.Combine(Folder, ".brokkr"));
}
