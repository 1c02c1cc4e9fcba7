using Brokkr.Testing.Processes;

namespace Brokkr.Testing;

/// <summary>A folder for one test, removed with everything in it when disposed, or when the test process ends however it ends.</summary>
public sealed class TemporaryFolder : IDisposable
{
    /// <summary>Makes an empty folder.</summary>
    public TemporaryFolder()
    {
        Path = Directory.CreateTempSubdirectory("brokkr-").FullName;
        Leftovers.RemoveAtExit(Path);
    }

    /// <summary>Absolute path of the folder.</summary>
    public string Path { get; }

    /// <summary>Absolute path of something in the folder.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file, making its folder where needed. Replaces it in one step, as a mounted ConfigMap does.</summary>
    /// <returns>Its absolute path.</returns>
    public string Write(string name, string content)
    {
        var path = this[name];
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        var beside = path + ".new";
        File.WriteAllText(beside, content);
        File.Move(beside, path, overwrite: true);
        return path;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // A process that is being killed may still write into it; it goes when the test process ends.
        }
    }
}
