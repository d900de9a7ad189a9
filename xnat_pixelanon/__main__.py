"""`python -m xnat_pixelanon` is the same as `xnat-pixelanon`."""

from xnat_pixelanon.cli.main import main

if __name__ == "__main__":
    main()
