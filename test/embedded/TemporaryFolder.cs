namespace Brokkr.Embedded.Tests;

/// <summary>A folder of its own for a test, removed afterwards.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("brokkr-embedded-");

    public string Path => _folder.FullName;

    public void Dispose() => _folder.Delete(recursive: true);
}
